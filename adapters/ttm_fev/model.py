"""A model as fev's benchmarks run them: by one method, with seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import fev

from ttm_estimators import Forecaster, TinyTimeMixer
from ttm_fev.predict import forecaster_of, predict_fev


class TTMModel(fev.ForecastingModel):
    """Forecast the tasks of a benchmark with a pre-trained TinyTimeMixer.

    Importing it adds it to fev's models, by the name "ttm".

    Parameters
    ----------
    model, device, **options
        As in :func:`predict_fev`. The model is loaded once, for all tasks.

    Attributes
    ----------
    inference_time : float
        Seconds of the latest task.

    Examples
    --------
    >>> import fev
    >>> from ttm_fev import TTMModel
    >>> fev.ForecastingModel.get_model_cls("ttm") is TTMModel
    True
    """

    model_name = "ttm"

    def __init__(
        self,
        model: str | Path | TinyTimeMixer | Forecaster | None = None,
        *,
        device: str = "cpu",
        **options: Any,
    ) -> None:
        super().__init__()
        self.forecaster = forecaster_of(model, device)
        self.options = options

    def _fit_predict(self, task: fev.Task) -> list[datasets.DatasetDict]:
        task.load_full_dataset()  # reading is no inference
        with self._record_inference_time():
            return predict_fev(task, self.forecaster, **self.options)
