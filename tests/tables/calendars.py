"""A truth table of calendars: histories of dates, and the true dates that follow.

The dates come from datetime, calendar, zoneinfo and dateutil alone; pandas only holds them.
"""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import count, islice
from zoneinfo import ZoneInfo

import pandas as pd
from dateutil.easter import easter

AHEAD = 6
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
QUARTERS = (2000, 3)

Rule = Callable[[int, int], datetime]
TimesOfDay = Callable[[datetime], Sequence[timedelta]]


@dataclass(frozen=True)
class Calendar:
    """Dates and what follows them.

    Parameters
    ----------
    name
        Readable and unique.
    history
        Sorted dates without repeats, naive or zoned.
    future
        The next six dates; none where no rule tells them.
    sure
        Whether the history tells its rule. Where not, a reader may also refuse it.
    """

    name: str
    history: pd.DatetimeIndex
    future: pd.DatetimeIndex
    sure: bool = True


def make(
    name: str, dates: Sequence[datetime], *, zone: ZoneInfo | None = None, sure: bool = True
) -> Calendar:
    """A calendar whose last six dates are the future."""
    return Calendar(name, as_index(dates[:-AHEAD], zone), as_index(dates[-AHEAD:], zone), sure)


def make_until(
    name: str, dates: Sequence[datetime], until: datetime, *, sure: bool = True
) -> Calendar:
    """A calendar whose history ends at or before a moment."""
    known = sum(day <= until for day in dates)
    return make(name, dates[: known + AHEAD], sure=sure)


def as_index(dates: Sequence[datetime], zone: ZoneInfo | None) -> pd.DatetimeIndex:
    """The dates as pandas holds them."""
    index = pd.DatetimeIndex(list(dates))
    return index if zone is None else index.tz_convert(zone)


# Rules that name one day in a month


def first_day(year: int, month: int) -> datetime:
    return datetime(year, month, 1)


def last_day(year: int, month: int) -> datetime:
    return datetime(year, month, calendar.monthrange(year, month)[1])


def same_day(day: int, year: int, month: int) -> datetime:
    """A day of the month, or the last day in a month too short for it."""
    return min(first_day(year, month) + timedelta(day - 1), last_day(year, month))


def nth_weekday(n: int, weekday: int, year: int, month: int) -> datetime:
    first = first_day(year, month)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))


def last_weekday(weekday: int, year: int, month: int) -> datetime:
    last = last_day(year, month)
    return last - timedelta((last.weekday() - weekday) % 7)


def first_business_day(year: int, month: int) -> datetime:
    first = first_day(year, month)
    while first.weekday() > FRIDAY:
        first += timedelta(1)
    return first


def last_business_day(year: int, month: int) -> datetime:
    last = last_day(year, month)
    while last.weekday() > FRIDAY:
        last -= timedelta(1)
    return last


# Ways to list dates


def by_step(start: datetime, step: timedelta, length: int = 36) -> list[datetime]:
    """Dates a fixed time apart."""
    return [start + k * step for k in range(length)]


def by_weekday(
    start: datetime, weekdays: Sequence[int], every: int = 1, length: int = 46
) -> list[datetime]:
    """Every first, second, … of the days that fall on the weekdays."""
    days = (start + timedelta(k) for k in count())
    kept = (day for day in days if day.weekday() in weekdays)
    return list(islice(kept, 0, length * every, every))


def by_month(
    *rules: Rule, first: tuple[int, int] = (2019, 1), step: int = 1, hour: int = 0, length: int = 36
) -> list[datetime]:
    """The days that the rules name in every month, second month, …"""
    year, month = first
    turns = (divmod(month - 1 + k, 12) for k in count(0, step))
    days = (rule(year + years, turn + 1) for years, turn in turns for rule in rules)
    return [day + timedelta(hours=hour) for day in islice(days, length)]


def by_times(start: datetime, days: int, times: TimesOfDay) -> list[datetime]:
    """The times of day that each of the days has."""
    return [day + at for day in by_step(start, timedelta(1), days) for at in times(day)]


def by_fiscal_year(
    years: Sequence[int], weeks: Sequence[int], year_end: Callable[[int], datetime]
) -> list[datetime]:
    """Ends of periods of whole weeks; the last one lasts until the year ends."""
    dates = []
    for year in years:
        end = year_end(year - 1)
        for length in weeks[:-1]:
            end += timedelta(weeks=length)
            dates.append(end)
        dates.append(year_end(year))
    return dates


# Steps of time


def fixed_steps() -> list[Calendar]:
    steps = {
        "every second": timedelta(seconds=1),
        "every 10 seconds": timedelta(seconds=10),
        "every minute": timedelta(minutes=1),
        "every 5 minutes": timedelta(minutes=5),
        "every 10 minutes": timedelta(minutes=10),
        "every 15 minutes": timedelta(minutes=15),
        "every 30 minutes": timedelta(minutes=30),
        "hourly": timedelta(hours=1),
        "every 2 hours": timedelta(hours=2),
        "every 3 hours": timedelta(hours=3),
        "every 6 hours": timedelta(hours=6),
        "every 7 hours": timedelta(hours=7),
        "every 8 hours": timedelta(hours=8),
        "every 12 hours": timedelta(hours=12),
        "daily": timedelta(1),
        "every 2 days": timedelta(2),
        "every 3 days": timedelta(3),
        "every 10 days": timedelta(10),
        "every 30 days": timedelta(30),
        "every 31 days": timedelta(31),
    }
    calendars = [make(name, by_step(datetime(2023, 1, 30), step)) for name, step in steps.items()]
    at_half_past_nine = by_step(datetime(2024, 2, 1, 9, 30), timedelta(1))
    long_hourly = by_step(datetime(2024, 1, 1), timedelta(hours=1), 24 * 35 + AHEAD)
    return [
        *calendars,
        make("daily at 09:30", at_half_past_nine),
        make("hourly for five weeks", long_hourly),
    ]


def weeks() -> list[Calendar]:
    start = datetime(2023, 1, 2)
    calendars = [
        make(f"every {calendar.day_name[weekday]}", by_weekday(start, [weekday]))
        for weekday in range(7)
    ]
    for every in (2, 3, 4, 13, 26, 52):
        dates = by_weekday(datetime(2000, 1, 5), [WEDNESDAY], every, 36)
        calendars.append(make(f"every {every} weeks on Wednesday", dates))
    return calendars


def parts_of_weeks() -> list[Calendar]:
    parts = {
        "business days": range(MONDAY, SATURDAY),
        "Mondays to Saturdays": range(MONDAY, SUNDAY),
        "Sundays to Thursdays": [SUNDAY, *range(MONDAY, FRIDAY)],
        "Tuesdays and Thursdays": [TUESDAY, THURSDAY],
        "Mondays, Wednesdays and Fridays": [MONDAY, WEDNESDAY, FRIDAY],
        "weekends": [SATURDAY, SUNDAY],
    }
    start = datetime(2024, 1, 3)
    calendars = [make(name, by_weekday(start, weekdays)) for name, weekdays in parts.items()]
    business = range(MONDAY, SATURDAY)
    return [
        *calendars,
        make("business days until a Friday", by_weekday(datetime(2024, 1, 1), business)),
        make("business days at 17:00", by_weekday(datetime(2024, 1, 1, 17), business)),
        make("every second business day", by_weekday(start, business, every=2)),
        make("weekends until a Saturday", by_weekday(start, [SATURDAY, SUNDAY], length=47)),
    ]


# Months and years


def months() -> list[Calendar]:
    rules = {
        "starts of months": first_day,
        "ends of months": last_day,
        "first business days of months": first_business_day,
        "last business days of months": last_business_day,
    }
    calendars = []
    for name, rule in rules.items():
        calendars.append(make(name, by_month(rule)))
        calendars.append(make(f"{name} at 23:00", by_month(rule, hour=23)))
    for day in (5, 15, 28, 29, 30):
        calendars.append(make(f"day {day} of months", by_month(partial(same_day, day))))
        until_january = by_month(partial(same_day, day), first=(2021, 8))
        calendars.append(make(f"day {day} of months, leap February ahead", until_january))
    return calendars


def steps_of_months() -> list[Calendar]:
    rules: dict[str, Rule] = {
        "starts of months": first_day,
        "ends of months": last_day,
        "first business days of months": first_business_day,
        "last business days of months": last_business_day,
        "day 5 of months": partial(same_day, 5),
        "day 15 of months": partial(same_day, 15),
        "day 30 of months": partial(same_day, 30),
    }
    calendars = []
    for step in (2, 3, 4, 6, 12):
        for name, rule in rules.items():
            for month in (1, 2):
                dates = by_month(rule, first=(1990, month), step=step)
                first = calendar.month_name[month]
                calendars.append(make(f"{name}, every {step} months from {first}", dates))
    return calendars


def quarters() -> list[Calendar]:
    rules = {
        "starts of quarters": first_day,
        "ends of quarters": last_day,
        "last business days of quarters": last_business_day,
    }
    calendars = []
    for name, rule in rules.items():
        for month in range(1, 13):
            dates = by_month(rule, first=(2005, month), step=3)
            calendars.append(make(f"{name} from {calendar.month_name[month]}", dates))
    return calendars


def years() -> list[Calendar]:
    rules = {
        "starts of years": first_day,
        "ends of years": last_day,
        "last business days of years": last_business_day,
    }
    calendars = []
    for name, rule in rules.items():
        for month in range(1, 13):
            dates = by_month(rule, first=(1991, month), step=12)
            calendars.append(make(f"{name} in {calendar.month_name[month]}", dates))
    june = by_month(partial(same_day, 15), first=(1990, 6), step=12)
    return [*calendars, make("every 15 June", june)]


def parts_of_months() -> list[Calendar]:
    tenth_days = [partial(same_day, day) for day in (1, 11, 21)]
    middle = partial(same_day, 15)
    return [
        make("days 1 and 15 of months", by_month(first_day, middle)),
        make("days 1 and 15 of months, until a start", by_month(first_day, middle, length=37)),
        make("day 15 and ends of months", by_month(middle, last_day)),
        make("day 15 and ends of months, until a middle", by_month(middle, last_day, length=37)),
        make("days 1, 11 and 21 of months", by_month(*tenth_days), sure=False),
    ]


# Weekdays in months


def weekdays_in_months() -> list[Calendar]:
    calendars = []
    for n, ordinal in enumerate(("first", "second", "third", "fourth"), 1):
        for weekday in (MONDAY, WEDNESDAY, FRIDAY, SUNDAY):
            dates = by_month(partial(nth_weekday, n, weekday))
            calendars.append(make(f"{ordinal} {calendar.day_name[weekday]}s of months", dates))
    for weekday in range(7):
        dates = by_month(partial(last_weekday, weekday))
        calendars.append(make(f"last {calendar.day_name[weekday]}s of months", dates))
    return calendars


def weekdays_in_some_months() -> list[Calendar]:
    third_wednesday = partial(nth_weekday, 3, WEDNESDAY)
    last_friday = partial(last_weekday, FRIDAY)
    first_monday = partial(nth_weekday, 1, MONDAY)
    thanksgiving = partial(nth_weekday, 4, THURSDAY)
    return [
        make("third Wednesdays of quarters", by_month(third_wednesday, first=QUARTERS, step=3)),
        make(
            "third Wednesdays of quarters until 2027",
            by_month(third_wednesday, first=(2020, 3), step=3, length=32 + AHEAD),
        ),
        make("last Fridays of quarters", by_month(last_friday, first=QUARTERS, step=3)),
        make(
            "last Fridays of months until March 2024",
            by_month(last_friday, first=(2022, 1), length=27 + AHEAD),
        ),
        make("first Mondays every two months", by_month(first_monday, step=2)),
        make("US Thanksgiving", by_month(thanksgiving, first=(1990, 11), step=12)),
    ]


# Weeks of fiscal years


def nearest(weekday: int, day: datetime) -> datetime:
    """The weekday nearest to a day."""
    return day + timedelta((weekday - day.weekday() + 3) % 7 - 3)


def retail_year_end(year: int) -> datetime:
    return nearest(SATURDAY, datetime(year, 1, 31))


def fiscal_periods() -> list[Calendar]:
    calendars = []
    for pattern in ((4, 4, 5), (4, 5, 4), (5, 4, 4)):
        name = "-".join(map(str, pattern)) + " weeks"
        dates = by_fiscal_year(range(2019, 2027), pattern * 4, retail_year_end)
        short = [day for day in dates if day.year < 2023]
        longer = [day for day in dates if day.year > 2020]
        calendars += [
            make(f"{name}, years of 52 weeks", short, sure=False),
            make_until(f"{name}, 53 in the future", dates, datetime(2023, 12, 1), sure=False),
            make_until(f"{name}, 53 in history", longer, datetime(2024, 7, 15), sure=False),
        ]
    return calendars


def fiscal_quarters() -> list[Calendar]:
    ends = {
        "last Saturday of September": lambda year: last_weekday(SATURDAY, year, 9),
        "Friday nearest to 31 December": lambda year: nearest(FRIDAY, datetime(year, 12, 31)),
        "Saturday nearest to 31 January": retail_year_end,
    }
    return [
        make(
            f"13-week quarters of years that end on the {name}",
            by_fiscal_year(range(2012, 2024), (13, 13, 13, 13), year_end),
            sure=False,
        )
        for name, year_end in ends.items()
    ]


# Times of day


def clock(start: timedelta, minutes: int, length: int) -> list[timedelta]:
    """Times of day from the start on."""
    return [start + k * timedelta(minutes=minutes) for k in range(length)]


def every_day(times: Sequence[timedelta], day: datetime) -> Sequence[timedelta]:
    return times


def on_business_days(times: Sequence[timedelta], day: datetime) -> Sequence[timedelta]:
    return times if day.weekday() <= FRIDAY else []


def with_short_saturdays(day: datetime) -> Sequence[timedelta]:
    if day.weekday() == SATURDAY:
        return clock(timedelta(hours=10), 60, 5)
    return on_business_days(clock(timedelta(hours=8), 60, 11), day)


def opening_hours() -> list[Calendar]:
    nine_to_five = clock(timedelta(hours=9), 60, 9)
    half_past_nine = timedelta(hours=9, minutes=30)
    hours: dict[str, TimesOfDay] = {
        "hourly 09:00 to 17:00": partial(every_day, nine_to_five),
        "hourly 09:00 to 17:00 on business days": partial(on_business_days, nine_to_five),
        "every 10 minutes 09:30 to 16:00 on business days": partial(
            on_business_days, clock(half_past_nine, 10, 40)
        ),
        "every 10 minutes 09:30 to 15:50 on business days": partial(
            on_business_days, clock(half_past_nine, 10, 39)
        ),
        "hourly 08:00 to 18:00, Saturdays 10:00 to 14:00": with_short_saturdays,
    }
    ends = {
        "until a Thursday evening": datetime(2024, 2, 1, 23),
        "until a Sunday evening": datetime(2024, 2, 4, 23),
        "until a Wednesday noon": datetime(2024, 2, 7, 12),
        "until a Friday afternoon": datetime(2024, 2, 9, 15, 30),
    }
    return [
        make_until(f"{name}, {end}", by_times(datetime(2024, 1, 1), 49, times), until)
        for name, times in hours.items()
        for end, until in ends.items()
    ]


def twice_a_day() -> list[Calendar]:
    start = datetime(2024, 1, 1)
    six = [timedelta(hours=6), timedelta(hours=18)]
    eight = [timedelta(hours=8), timedelta(hours=20, minutes=30)]
    work = [timedelta(hours=8), timedelta(hours=17)]
    return [
        make("06:00 and 18:00", by_times(start, 35, partial(every_day, six))),
        make("08:00 and 20:30", by_times(start, 35, partial(every_day, eight)), sure=False),
        make(
            "08:00 and 17:00 on business days",
            by_times(start, 35, partial(on_business_days, work)),
            sure=False,
        ),
    ]


# Dates that no simple rule tells


def irregular() -> list[Calendar]:
    easters = [datetime.combine(easter(year), datetime.min.time()) for year in range(1990, 2026)]
    days = [1, 2]
    while len(days) < 24:
        days.append(days[-1] + days[-2])
    fibonacci = [datetime(1900, 1, 1) + timedelta(day) for day in days]
    primes = [n for n in range(2, 200) if all(n % k for k in range(2, n))]
    prime_days = [datetime(2024, 1, 1) + timedelta(n) for n in primes]
    return [
        make("Easter Sundays", easters, sure=False),
        Calendar("Fibonacci numbers of days", as_index(fibonacci, None), as_index([], None), False),
        make("prime numbers of days", prime_days, sure=False),
    ]


def short() -> list[Calendar]:
    week = by_step(datetime(2024, 1, 1), timedelta(1), 5 + AHEAD)
    ten_days = by_step(datetime(2024, 1, 1), timedelta(1), 10 + AHEAD)
    three_hours = by_step(datetime(2024, 1, 1), timedelta(hours=1), 3 + AHEAD)
    four_fridays = by_weekday(datetime(2024, 1, 1), [FRIDAY], length=4 + AHEAD)
    four_ends = by_month(last_day, first=(2024, 1), length=4 + AHEAD)
    five_quarters = by_month(last_day, first=(2023, 3), step=3, length=5 + AHEAD)
    two_quarters = by_month(last_day, first=(2024, 6), step=3, length=2 + AHEAD)
    mondays = by_month(partial(nth_weekday, 1, MONDAY), first=(2023, 2), length=4 + AHEAD)
    februaries = by_month(last_day, first=(2021, 2), step=12, length=3 + AHEAD)
    return [
        make("three hours", three_hours),
        make("ten days", ten_days),
        make("one Monday to Friday", week, sure=False),
        make("four Fridays", four_fridays),
        make("four ends of months", four_ends),
        make("five ends of quarters", five_quarters),
        make("two ends of quarters, both on day 30", two_quarters, sure=False),
        make("four first Mondays that are four weeks apart", mondays, sure=False),
        make("three ends of February, all on day 28", februaries, sure=False),
    ]


# Time zones

DATE_LINE = datetime(2011, 12, 30, 10)
CLOCK_CHANGES = [
    ("Europe/Berlin", datetime(2024, 3, 31, 1)),
    ("Europe/Berlin", datetime(2023, 10, 29, 1)),
    ("America/New_York", datetime(2024, 3, 10, 7)),
    ("America/New_York", datetime(2023, 11, 5, 6)),
    ("America/Santiago", datetime(2023, 9, 3, 4)),
    ("America/Santiago", datetime(2024, 4, 7, 3)),
    ("Atlantic/Azores", datetime(2024, 3, 31, 1)),
    ("Atlantic/Azores", datetime(2023, 10, 29, 1)),
    ("America/Havana", datetime(2024, 3, 10, 5)),
    ("America/Havana", datetime(2023, 11, 5, 5)),
    ("Australia/Lord_Howe", datetime(2023, 9, 30, 15, 30)),
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 15)),
    ("Africa/Cairo", datetime(2023, 4, 27, 22)),
    ("Africa/Cairo", datetime(2023, 10, 26, 21)),
    ("Asia/Beirut", datetime(2024, 3, 30, 22)),
    ("Asia/Beirut", datetime(2023, 10, 28, 21)),
    ("Pacific/Apia", datetime(2020, 9, 26, 14)),
    ("Pacific/Apia", datetime(2021, 4, 3, 14)),
    ("Asia/Kolkata", datetime(2024, 3, 30, 18, 30)),  # its clocks never change
]


def in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in the zone ever show this time."""
    instant = wall.replace(tzinfo=zone).astimezone(timezone.utc)
    return instant.astimezone(zone).replace(tzinfo=None) == wall


def to_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks show this time, or the first one after a gap."""
    while not exists(wall, zone):
        wall += timedelta(minutes=1)
    return wall.replace(tzinfo=zone).astimezone(timezone.utc)


def to_instants(walls: Sequence[datetime], zone: ZoneInfo) -> list[datetime]:
    """Instants of local times, those that a gap makes equal once."""
    return list(dict.fromkeys(to_instant(wall, zone) for wall in walls))


def where_clocks_change(instants: Sequence[datetime], zone: ZoneInfo) -> str:
    offsets = [instant.astimezone(zone).utcoffset() for instant in instants]
    places = {"history": offsets[:-AHEAD], "future": offsets[-AHEAD - 1 :]}
    changing = [place for place, seen in places.items() if len(set(seen)) > 1]
    return "clocks change in " + " and ".join(changing) if changing else "no clock change"


def make_zoned(
    name: str, zone: ZoneInfo, instants: Sequence[datetime], *, sure: bool = True
) -> Calendar:
    start = instants[0].astimezone(zone).strftime("%Y-%m-%d")
    change = where_clocks_change(instants, zone)
    return make(f"{name} in {zone.key} from {start}, {change}", instants, zone=zone, sure=sure)


def zoned_steps(zone: ZoneInfo, change: datetime) -> list[Calendar]:
    """Steps of elapsed time over a clock change."""
    steps = {
        "hourly": timedelta(hours=1),
        "every 30 minutes": timedelta(minutes=30),
        "every 15 minutes": timedelta(minutes=15),
    }
    return [
        make_zoned(name, zone, by_step(in_utc(change) - before * step, step, 120 + AHEAD))
        for name, step in steps.items()
        for before in (60, 122)
    ]


def zoned_days(
    zone: ZoneInfo, change: datetime, hours: float = 0, *, sure: bool = True
) -> list[Calendar]:
    """Local days around a clock change: in the history, at its end and ahead."""
    day = change_day(zone, change) + timedelta(hours=hours)
    name = f"daily at {day:%H:%M}"
    calendars = []
    for before in (20, 39, 42):
        walls = by_step(day - timedelta(before), timedelta(1), 40 + AHEAD)
        calendars.append(make_zoned(name, zone, to_instants(walls, zone), sure=sure))
    return calendars


def zoned_weekdays(zone: ZoneInfo, change: datetime) -> list[Calendar]:
    """Local business days and Mondays around a clock change."""
    day = change_day(zone, change)
    calendars = []
    for before in (30, 60):
        walls = by_weekday(day - timedelta(before), range(MONDAY, SATURDAY), length=40 + AHEAD)
        calendars.append(make_zoned("business days", zone, to_instants(walls, zone)))
    for before in (13, 28):
        walls = by_weekday(day - timedelta(weeks=before), [MONDAY], length=26 + AHEAD)
        calendars.append(make_zoned("every Monday", zone, to_instants(walls, zone)))
    return calendars


def zoned_months(zone: ZoneInfo, first: tuple[int, int]) -> list[Calendar]:
    rules = {"starts of months": first_day, "ends of months": last_day}
    return [
        make_zoned(name, zone, to_instants(by_month(rule, first=first), zone))
        for name, rule in rules.items()
    ]


def change_day(zone: ZoneInfo, change: datetime) -> datetime:
    """The local day of a clock change."""
    local = in_utc(change).astimezone(zone)
    return datetime(local.year, local.month, local.day)


def zoned() -> list[Calendar]:
    calendars = []
    for key, change in CLOCK_CHANGES:
        zone = ZoneInfo(key)
        calendars += zoned_steps(zone, change)
        calendars += zoned_days(zone, change)
        calendars += zoned_days(zone, change, hours=2.5)
        calendars += zoned_weekdays(zone, change)
    for key in dict(CLOCK_CHANGES):
        for first in ((2018, 3), (2021, 7), (2022, 7)):
            calendars += zoned_months(ZoneInfo(key), first)
    return calendars


def over_the_date_line() -> list[Calendar]:
    """Samoa had no 30 December 2011."""
    zone = ZoneInfo("Pacific/Apia")
    return [
        *zoned_steps(zone, DATE_LINE),
        *zoned_days(zone, DATE_LINE, sure=False),
        *zoned_months(zone, (2010, 1)),
    ]


CALENDARS: list[Calendar] = [
    *fixed_steps(),
    *weeks(),
    *parts_of_weeks(),
    *months(),
    *steps_of_months(),
    *quarters(),
    *years(),
    *parts_of_months(),
    *weekdays_in_months(),
    *weekdays_in_some_months(),
    *fiscal_periods(),
    *fiscal_quarters(),
    *opening_hours(),
    *twice_a_day(),
    *irregular(),
    *short(),
    *zoned(),
    *over_the_date_line(),
]
