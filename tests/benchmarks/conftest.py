import json
from pathlib import Path

import pytest

from tests.tiny import tiny_network
from ttm_benchmarks.command_line import main
from ttm_benchmarks.gift_eval.submission import METRICS, make_row, write_rows
from ttm_benchmarks.gift_eval.tasks import TASKS
from ttm_estimators import save_network


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """An untrained network with deciles, on disk."""
    deciles = tuple(k / 10 for k in range(1, 10))
    network = tiny_network(quantile_levels=deciles)
    return save_network(network, tmp_path_factory.mktemp("model"))


@pytest.fixture
def bench(capsys):
    """Run ``ttm-bench`` and return its exit code, its output and its error output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


def write_results(folder: Path, scores: dict, **config: object) -> Path:
    """Write results as others publish them, of (MASE, CRPS) for each task."""
    folder.mkdir(parents=True)
    rows = [
        make_row(
            TASKS[task],
            folder.name,
            {**dict.fromkeys(METRICS, 7.0), "MASE[0.5]": mase, METRICS[-1]: crps},
        )
        for task, (mase, crps) in scores.items()
    ]
    write_rows(folder, rows)
    (folder / "config.json").write_text(json.dumps({"model": folder.name, **config}))
    return folder


@pytest.fixture
def publish(tmp_path):
    """Write published results by the name of the model."""

    def write(name: str, scores: dict, **config: object) -> Path:
        return write_results(tmp_path / "published" / name, scores, **config)

    return write
