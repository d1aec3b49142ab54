from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

PREDICTORS = '''
import os

import numpy as np
import torch
from gluonts.model.forecast import QuantileForecast
from gluonts.model.predictor import Predictor


class Zero(Predictor):
    """Forecasts zero, with a band of one."""

    def __init__(self, prediction_length: int) -> None:
        super().__init__(prediction_length=prediction_length)

    def predict(self, dataset, **kwargs):
        for entry in dataset:
            yield self.forecast(entry, 0.0)

    def forecast(self, entry, value):
        values = np.full((3, self.prediction_length), value) + [[-1.0], [0.0], [1.0]]
        start = entry["start"] + len(entry["target"])
        return QuantileForecast(values, start_date=start, forecast_keys=["0.1", "0.5", "0.9"])


def out_of_memory():
    raise torch.OutOfMemoryError("out of memory")


class NeedsMemory(Zero):
    """Has memory for batches of two. It runs out of it as a GPU does, as numpy, as torch."""

    tried = []
    ways = {16: out_of_memory, 8: lambda: np.empty(2**56), 4: lambda: torch.empty(2**56)}

    def __init__(self, prediction_length: int, batch_size: int, season_length: int) -> None:
        super().__init__(prediction_length)
        self.batch_size = batch_size

    def predict(self, dataset, **kwargs):
        self.tried.append(self.batch_size)
        self.ways.get(self.batch_size, int)()
        yield from super().predict(dataset)


class FailsOnWeeks(Zero):
    def predict(self, dataset, **kwargs):
        if self.prediction_length == 8:
            raise RuntimeError("no weeks today")
        yield from super().predict(dataset)


class NotANumber(Zero):
    def predict(self, dataset, **kwargs):
        for entry in dataset:
            yield self.forecast(entry, np.nan)


class Forgetful(Zero):
    def predict(self, dataset, **kwargs):
        yield from list(super().predict(dataset))[:-1]


class Needy(Zero):
    def __init__(self, prediction_length: int, checkpoint: str) -> None:
        super().__init__(prediction_length)


class KillsItsProcess(Zero):
    def predict(self, dataset, **kwargs):
        if os.environ.get("KILL_AT_HORIZON") == str(self.prediction_length):
            os._exit(9)
        yield from super().predict(dataset)
'''


def write_set(folder: Path, frequency: str, targets: list) -> None:
    """Write one set as GIFT-Eval does."""
    Dataset.from_dict(
        {
            "item_id": [f"item_{i}" for i in range(len(targets))],
            "start": [datetime(2015, 1, 1)] * len(targets),
            "freq": [frequency] * len(targets),
            "target": [np.asarray(target, dtype=np.float32).tolist() for target in targets],
        }
    ).save_to_disk(folder)


@pytest.fixture(scope="session")
def gift(tmp_path_factory) -> Path:
    """Four small tasks: monthly series of two lengths, weeks of three variates, and months."""
    folder = tmp_path_factory.mktemp("gift")
    rng = np.random.default_rng(0)
    hospital = [20 + rng.normal(size=length).cumsum() for length in (84, 96, 84)]
    hospital[1][[5, 70, 90]] = np.nan
    write_set(folder / "hospital", "M", hospital)
    write_set(folder / "ett1" / "W", "W-THU", [rng.normal(size=(3, 100)).cumsum(axis=1)])
    write_set(folder / "us_births" / "M", "M", [50 + rng.normal(size=240)])
    write_set(folder / "m4_weekly", "W-SUN", [rng.normal(size=300).cumsum()])
    return folder


@pytest.fixture
def predictors(tmp_path, monkeypatch) -> str:
    """Name of an importable module with predictors of GluonTS's kind."""
    folder = tmp_path / "importable"
    folder.mkdir()
    (folder / "made_predictors.py").write_text(PREDICTORS)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "made_predictors", raising=False)
    return "made_predictors"
