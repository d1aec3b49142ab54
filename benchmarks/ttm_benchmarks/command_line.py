"""The command line ``ttm-bench``. Each command imports what it needs only when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ttm_benchmarks.ltsf.protocol import DATASETS, HORIZONS

app = typer.Typer(
    help="Benchmarks of TinyTimeMixers.", no_args_is_help=True, pretty_exceptions_enable=False
)

Model = Annotated[
    str | None, typer.Option(help="Shipped model or weights folder. Default: the default model.")
]


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for pictures and results.csv.")],
    model: Model = None,
) -> None:
    """Backtest a model against seasonal naive on real series, with pictures."""
    from ttm_benchmarks.demo.run import run

    run(model, output)


@app.command()
def ltsf(
    data: Annotated[Path, typer.Option(help="Folder with the datasets as CSV or parquet.")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
    model: Annotated[
        str | None,
        typer.Option(
            help='Shipped model, weights folder, or "naive" (persistence). '
            "Default: the default model."
        ),
    ] = None,
    datasets: Annotated[str, typer.Option(help="Datasets, with commas.")] = ",".join(DATASETS),
    horizons: Annotated[str, typer.Option(help="Horizons, with commas.")] = ",".join(
        map(str, HORIZONS)
    ),
    batch_size: Annotated[
        int, typer.Option(min=1, help="Series (windows times channels) in one forward pass.")
    ] = 256,
) -> None:
    """Measure long-horizon accuracy (MSE and MAE) on ETT, Weather, Electricity and the like."""
    from ttm_benchmarks.ltsf.run import run

    run(
        data,
        model,
        output,
        datasets=[name.strip() for name in datasets.split(",")],
        horizons=_whole_numbers("--horizons", horizons),
        batch_size=batch_size,
    )


@app.command()
def import_time(
    runs: Annotated[int, typer.Option(min=1, help="Fresh processes for each statement.")] = 11,
) -> None:
    """Compare the time to import this package with the time to import torch alone."""
    from ttm_benchmarks.speed.import_time import run

    raise typer.Exit(0 if run(runs) else 1)


def main(arguments: list[str] | None = None) -> None:
    """Run ``ttm-bench``. What the user can mend is told in one line, with exit code 2.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.
    """
    try:
        app(arguments)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("ttm_"):
            raise
        message = f"{error.name} is not installed: pip install 'ttm-estimators[benchmarks]'"
    except (ValueError, OSError) as error:
        message = str(error)
    typer.echo(f"ttm-bench: {message}", err=True)
    raise SystemExit(2)


def _whole_numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise ValueError(f"{option} takes whole numbers of at least 1 with commas, got {text!r}")
    return numbers
