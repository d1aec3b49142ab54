"""Make the example data anew: ``python -m ttm_estimators.example.make_sales``."""

from __future__ import annotations

import holidays
import numpy as np
import pandas as pd

from ttm_estimators.example import FILES

FIRST_DAY, DAYS, DAYS_AHEAD = "2023-04-10", 728, 28
"""Two years up to a Sunday in April, before four weeks with Good Friday, Easter and May Day."""

SHOPS = {"north": 140.0, "south": 90.0, "west": 50.0}
"""Mean sales a day, in pieces."""

WEEK = (0.9, 0.9, 0.95, 1.05, 1.2, 1.4, 0.6)
"""Sales of the days from Monday on, as a multiple of the mean."""

ON_A_HOLIDAY, BEFORE_A_HOLIDAY, ON_PROMOTION = 0.4, 1.35, 1.5
"""Sales as a multiple of those of other days."""

USUAL_PRICE, ELASTICITY = 9.9, -1.8
YEARLY_AMPLITUDE = 0.15
DISPERSION = 0.01
"""Variance of the sales beyond that of a Poisson distribution, relative to the squared mean."""


def make_sales(seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the sales of three German shops.

    Prices change on some Mondays, and promotions run from Thursday to Saturday in a quarter of all
    weeks.

    Parameters
    ----------
    seed : int, default 1
        Of all draws. In these, each shop has a promotion and another price ahead.

    Returns
    -------
    history : DataFrame
        A row for each shop and day: ``shop, date, sales, price, promotion``.
    future : DataFrame
        The same of the days after it, without ``sales``.
    """
    random = np.random.default_rng(seed)
    days = pd.date_range(FIRST_DAY, periods=DAYS + DAYS_AHEAD)
    closed = holidays.country_holidays("DE", years=range(2023, 2026))
    on = np.array([day in closed for day in days])
    before = np.roll(on, -1) & ~on & (days.day_of_week < 6)
    week = np.arange(len(days)) // 7
    year = 1 + YEARLY_AMPLITUDE * np.cos(2 * np.pi * (days.dayofyear - 340) / 365.25)
    calendar = np.take(WEEK, days.day_of_week) * year
    calendar = calendar * np.where(on, ON_A_HOLIDAY, np.where(before, BEFORE_A_HOLIDAY, 1.0))
    shops = []
    for shop, level in SHOPS.items():
        changes = random.random(week[-1] + 1) < 0.4
        prices = random.choice([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0], week[-1] + 1) + USUAL_PRICE
        prices = prices[np.maximum.accumulate(np.where(changes, np.arange(len(prices)), 0))]
        price = prices[week]
        weeks = random.random(week[-1] + 1) < 0.25
        promotion = weeks[week] & np.isin(days.day_of_week, (3, 4, 5))
        mean = level * calendar * (price / USUAL_PRICE) ** ELASTICITY
        mean = mean * np.where(promotion, ON_PROMOTION, 1.0)
        sales = random.poisson(mean * random.gamma(1 / DISPERSION, DISPERSION, len(days)))
        shops.append(
            pd.DataFrame(
                {
                    "shop": shop,
                    "date": days,
                    "sales": sales,
                    "price": price.round(2),
                    "promotion": promotion.astype(int),
                }
            )
        )
    both = pd.concat(shops, ignore_index=True)
    ahead = both["date"] >= days[DAYS]
    return (
        both[~ahead].reset_index(drop=True),
        both[ahead].drop(columns="sales").reset_index(drop=True),
    )


if __name__ == "__main__":
    for path, frame in zip(FILES, make_sales(), strict=True):
        frame.to_csv(path, index=False)
