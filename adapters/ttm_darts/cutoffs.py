"""A series of darts with its covariates, as the core takes them at any cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from darts import TimeSeries
from darts.utils.utils import generate_index

from ttm_estimators import Covariates
from ttm_estimators.inputs.covariates import Roles
from ttm_estimators.regression.calendar import calendar_features
from ttm_estimators.regression.with_calendar import with_calendar


@dataclass(frozen=True)
class Source:
    """A series, and what is known beside it."""

    name: str
    series: TimeSeries
    past: TimeSeries | None
    future: TimeSeries | None

    def check(self) -> None:
        """Refuse what is not on the series' dates, or is random."""
        for what, one in (
            ("series", self.series),
            ("past_covariates", self.past),
            ("future_covariates", self.future),
        ):
            if one is None:
                continue
            if one.n_samples > 1:
                raise ValueError(
                    f"{self.name}: its {what} has {one.n_samples} samples, give values that are "
                    "certain, such as its median"
                )
            if one.freq != self.series.freq:
                raise ValueError(
                    f"{self.name} has the frequency {self.series.freq_str}, its {what} "
                    f"{one.freq_str}: give both at one"
                )

    def covariates(
        self, horizon: int, roles: Roles, calendar: bool, holidays: Any
    ) -> Covariates | None:
        """All covariates until so many steps after the series. NaN where none are known."""
        known = past = None
        times = generate_index(
            start=self.series.start_time(),
            length=len(self.series) + horizon,
            freq=self.series.freq,
        )
        if self.future is not None:
            known = _columns(self.future, roles.known, f"{self.name}: future_covariates")
            known = known.reindex(times).reset_index(drop=True)
        if self.past is not None:
            past = _columns(self.past, roles.past, f"{self.name}: past_covariates")
            past = past.reindex(times[: len(self.series)]).reset_index(drop=True)
        if calendar:
            if not isinstance(times, pd.DatetimeIndex):
                raise ValueError(
                    f"{self.name} counts its steps, and a calendar needs dates: leave calendar and "
                    "holidays out"
                )
            features = calendar_features(times, holidays)
            return with_calendar(Covariates(known, past), features, self.name)
        return None if known is None and past is None else Covariates(known, past)

    def check_future(self, cutoff: int, horizon: int) -> None:
        """Refuse known covariates that end before the last step to forecast."""
        if self.future is None:
            return
        last = self.series.start_time() + (cutoff + horizon - 1) * self.series.freq
        if self.future.end_time() < last:
            raise ValueError(
                f"{self.name}: its future_covariates end at {self.future.end_time()}, give them "
                f"until {last}"
            )


def up_to(covariates: Covariates | None, cutoff: int, horizon: int) -> Covariates | None:
    """Covariates as they are known at a cutoff."""
    if covariates is None:
        return None
    known: Any = covariates.known
    past: Any = covariates.past
    return Covariates(
        None if known is None else known.iloc[: cutoff + horizon],
        None if past is None else past.iloc[:cutoff],
    )


def _columns(series: TimeSeries, names: Any, what: str) -> pd.DataFrame:
    """Components, those that a model was fine-tuned with by their names."""
    frame = series.to_dataframe()
    missing = [name for name in names if name not in frame]
    if missing:
        raise ValueError(
            f"{what} have no component {missing[0]!r}, which the model was fine-tuned with: they "
            f"have {', '.join(map(repr, frame.columns))}"
        )
    return frame[[*names]] if names else frame
