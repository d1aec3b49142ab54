"""The Monash archive (arXiv 2105.06643) from its public hub, less what is a benchmark set.

Left out are the test sets of GIFT-Eval and of the long-horizon benchmarks, in every frequency, and
``weather``, which has temperatures and rain of the same country and years as ``temperature_rain``.
``fred_md`` is let in, though macroeconomic series of ``m4_monthly`` may be among it: compare a
corpus with what of the benchmarks is at hand by ``ttm corpus check``.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
import pooch
import requests
from platformdirs import user_cache_path

from ttm_estimators.data.corpus.deny_list import refuse

HUB = "https://zenodo.org"


class Record(NamedTuple):
    """Where the hub has a set."""

    number: int
    file: str


_RECORDS = """
australian_electricity_demand 4659727 australian_electricity_demand_dataset
bitcoin 5121965 bitcoin_dataset_with_missing_values
cif_2016 4656042 cif_2016_dataset
covid_mobility 4663762 covid_mobility_dataset_with_missing_values
dominick 4654802 dominick_dataset
elecdemand 4656069 elecdemand_dataset
fred_md 4654833 fred_md_dataset
kaggle_web_traffic 4656080 kaggle_web_traffic_dataset_with_missing_values
kaggle_web_traffic_weekly 4656664 kaggle_web_traffic_weekly_dataset
london_smart_meters 4656072 london_smart_meters_dataset_with_missing_values
m1_monthly 4656159 m1_monthly_dataset
m1_quarterly 4656154 m1_quarterly_dataset
m1_yearly 4656193 m1_yearly_dataset
m3_monthly 4656298 m3_monthly_dataset
m3_other 4656335 m3_other_dataset
m3_quarterly 4656262 m3_quarterly_dataset
m3_yearly 4656222 m3_yearly_dataset
nn5_daily 4656110 nn5_daily_dataset_with_missing_values
nn5_weekly 4656125 nn5_weekly_dataset
oikolab_weather 5184708 oikolab_weather_dataset
pedestrian_counts 4656626 pedestrian_counts_dataset
rideshare 5122114 rideshare_dataset_with_missing_values
solar_4_seconds 4656027 solar_4_seconds_dataset
sunspot 4654773 sunspot_dataset_with_missing_values
tourism_monthly 4656096 tourism_monthly_dataset
tourism_quarterly 4656093 tourism_quarterly_dataset
tourism_yearly 4656103 tourism_yearly_dataset
vehicle_trips 5122535 vehicle_trips_dataset_with_missing_values
web_traffic_extended 7370977 web_traffic_extended_dataset_with_missing_values
wind_4_seconds 4656032 wind_4_seconds_dataset
wind_farms_minutely 4654909 wind_farms_minutely_dataset_with_missing_values
"""

RECORDS = {
    name: Record(int(number), f"{file}.zip")
    for name, number, file in (line.split() for line in _RECORDS.split("\n")[1:-1])
}
"""Sets that may be trained on. Of two versions, the one that leaves missing values missing."""

FREQUENCIES = {
    "4_seconds": "4s",
    "minutely": "min",
    "10_minutes": "10min",
    "15_minutes": "15min",
    "half_hourly": "30min",
    "hourly": "h",
    "daily": "D",
    "weekly": "W",
    "monthly": "MS",
    "quarterly": "QS",
    "yearly": "YS",
}
"""Frequencies of the archive as pandas aliases."""


class Entry(NamedTuple):
    """One series of a set."""

    item_id: str
    freq: str | None
    start: datetime | None
    target: npt.NDArray[np.float32]


def read_monash(name: str, cache: str | Path | None = None, hub: str = HUB) -> Iterator[Entry]:
    """Read the series of a set, which is fetched when it is not in the cache.

    Parameters
    ----------
    name : str
        One of ``RECORDS``.
    cache : str or Path, optional
        Folder for the files of the hub. The default is in the user's cache folder.
    hub : str
        Where the hub is.

    Raises
    ------
    ConnectionError
        When the hub gives no such file. The message says where to put the file by hand.
    ValueError
        When the set is unknown or a benchmark set, or its file is not what it should be.
    """
    file = fetch(name, cache, hub)
    try:
        with ZipFile(file) as archive:
            inside = [one for one in archive.namelist() if one.endswith(".tsf")]
            if len(inside) != 1:
                raise ValueError(f"{file} holds {len(inside)} .tsf files where one is expected")
            with archive.open(inside[0]) as binary:
                lines = io.TextIOWrapper(binary, encoding="cp1252", errors="replace")
                yield from read_tsf(lines, inside[0])
    except (BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is broken ({error}): delete it and it is fetched anew") from error


def check_name(name: str) -> None:
    """Refuse a set that is not there, or that is a benchmark set.

    Raises
    ------
    ValueError
        When it is one of these.
    """
    if name not in RECORDS:
        refuse(name)
        raise ValueError(f"no set {name!r} of the Monash archive: choose of {', '.join(RECORDS)}")


def fetch(name: str, cache: str | Path | None = None, hub: str = HUB) -> Path:
    """Give the file of a set, from the cache or else from the hub.

    The checksum that the hub tells is kept beside the file and holds at every later call. A file
    put there by hand has none: the one it has at the first call is kept.

    Parameters
    ----------
    name, cache, hub : str
        As for ``read_monash``.

    Raises
    ------
    ConnectionError
        When it is not in the cache and the hub does not give it.
    ValueError
        When the name is refused or the checksum is another.
    """
    check_name(name)
    record = RECORDS[name]
    folder = Path(cache or user_cache_path("ttm-estimators", appauthor=False) / "monash")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / record.file
    note = file.with_suffix(".zip.checksum")
    if not file.exists():
        try:
            url, checksum = _offered(record, hub)
            pooch.get_logger().setLevel("WARNING")
            pooch.retrieve(url, checksum, record.file, folder)
        except (OSError, KeyError) as error:  # of requests too
            raise ConnectionError(
                f"{record.file} could not be fetched from {hub} ({error!r}). Get it from "
                f"{hub}/records/{record.number} by another way and put it into {folder}"
            ) from error
        note.write_text(checksum, encoding="utf-8")
    elif not note.exists():
        note.write_text(f"sha256:{pooch.file_hash(str(file))}", encoding="utf-8")
    elif not pooch.hashes.hash_matches(str(file), note.read_text(encoding="utf-8").strip()):
        raise ValueError(
            f"{file} is not the file that was put there, by its checksum: delete it and "
            f"{note.name}, and it is fetched anew"
        )
    return file


def _offered(record: Record, hub: str) -> tuple[str, str]:
    """Address and checksum of the file of a record."""
    answer = requests.get(f"{hub}/api/records/{record.number}", timeout=60)
    answer.raise_for_status()
    offered = {one["key"].strip(): one for one in answer.json()["files"]}
    if record.file not in offered:
        raise ValueError(
            f"record {record.number} of {hub} has no {record.file}, but: {', '.join(offered)}"
        )
    return offered[record.file]["links"]["self"], offered[record.file]["checksum"]


def read_tsf(lines: Iterable[str], file: str = "the .tsf file") -> Iterator[Entry]:
    """Read the series of a .tsf file, one line in memory at a time.

    The header names the attributes that stand before the values of a series, of which the name and
    the start are read where there are any, and the frequency. What else it says, such as whether
    values are missing and lengths are equal, the data shows.

    Parameters
    ----------
    lines : iterable of str
        Lines of the file.
    file : str
        Its name, for messages.

    Raises
    ------
    ValueError
        When the header or a line of data can not be read. The message has its number.
    """
    attributes: list[str] = []
    freq: str | None = None
    data = False
    series = 0
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        where = f"{file}, line {number}"
        if not text or text.startswith("#"):
            continue
        if data:
            yield _read_line(text, attributes, freq, series, where)
            series += 1
            continue
        if not text.startswith("@"):
            raise ValueError(f"{where}: {text[:40]!r} stands before @data")
        key, *words = text.split()
        if key == "@data":
            data = True
        elif key in ("@attribute", "@frequency") and not words:
            raise ValueError(f"{where}: {key} has no name")
        elif key == "@attribute":
            attributes.append(words[0])
        elif key == "@frequency":
            if words[0] not in FREQUENCIES:
                raise ValueError(
                    f"{where}: unknown frequency {words[0]!r}, expected {', '.join(FREQUENCIES)}"
                )
            freq = FREQUENCIES[words[0]]
    if not series:
        raise ValueError(f"{file} has no series: it may have been cut short")


def _read_line(
    text: str, attributes: list[str], freq: str | None, series: int, where: str
) -> Entry:
    *cells, numbers = text.split(":")
    if len(cells) != len(attributes):
        raise ValueError(
            f"{where}: {len(cells)} attributes before the values where the header names "
            f"{len(attributes)} ({', '.join(attributes)})"
        )
    named: dict[str, Any] = dict(zip(attributes, cells, strict=True))
    start = named.get("start_timestamp")
    try:
        target = np.array(numbers.replace("?", "nan").split(","), dtype=np.float32)
        moment = None if start is None else datetime.strptime(start, "%Y-%m-%d %H-%M-%S")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return Entry(named.get("series_name", str(series)), freq, moment, target)
