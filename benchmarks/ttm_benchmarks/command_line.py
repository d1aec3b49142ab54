"""The command line ``ttm-bench``. Each command imports what it needs only when it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ttm_benchmarks.ltsf.protocol import DATASETS, HORIZONS
from ttm_estimators.command_line.errors import InputError, OneLineErrors
from ttm_estimators.signals import ended_by_signals
from ttm_estimators.tables.errors import TableError


class _Commands(OneLineErrors):
    """Commands that tell what the user can mend as a ValueError too."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if not error.name or error.name.startswith("ttm_"):
                raise
            raise InputError(
                f"{error.name} is not installed: pip install ttm-benchmarks"
            ) from error
        except TableError:
            raise
        except ValueError as error:
            raise InputError(str(error)) from error


app = typer.Typer(
    cls=_Commands,
    help="Accuracy and speed of TinyTimeMixers.",
    pretty_exceptions_enable=False,
)

Model = Annotated[
    str | None, typer.Option(help="Shipped model or weights folder. Default: the default model.")
]

CommonTasks = Annotated[
    str,
    typer.Option(
        help="Tasks, with commas and wildcards, such as 'ett*/short,hospital/*'.",
        show_default="all that every model has results of",
    ),
]
Parameters = Annotated[
    str,
    typer.Option(
        help="Parameter counts that the folders do not tell, such as 'ModelA=4e6,ModelB=28e6'."
    ),
]
Granite = Annotated[str, typer.Option(help="Python of an environment with granite-tsfm.")]
StepWindows = Annotated[int, typer.Option(min=1, help="Windows in a step.")]
Rounds = Annotated[int, typer.Option(min=1, help="Rounds that count.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each side.")]


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
    output: Annotated[
        Path, typer.Option(help="CSV file to write, a row for each dataset and horizon.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help='Shipped model, weights folder, or a check of the protocol: "naive" (last value) '
            'or "linear" (least squares on the training part). Default: the default model.'
        ),
    ] = None,
    datasets: Annotated[
        str, typer.Option(help="Names of datasets, with commas.", show_default="all eight")
    ] = ",".join(DATASETS),
    horizons: Annotated[
        str, typer.Option(help="Numbers of steps to forecast, with commas.")
    ] = ",".join(map(str, HORIZONS)),
    batch_size: Annotated[
        int, typer.Option(min=1, help="Series (windows times channels) in one forward pass.")
    ] = 256,
) -> None:
    """Measure long-horizon errors on ETT, Weather, Electricity, Traffic and Exchange."""
    from ttm_benchmarks.ltsf.run import run

    run(
        data,
        model,
        output,
        datasets=_names(datasets),
        horizons=_whole_numbers("--horizons", horizons),
        batch_size=batch_size,
    )


@app.command()
def corpus(
    data: Annotated[Path, typer.Option(help="Folder of parquet files with freq and target.")],
    output: Annotated[Path, typer.Option(help="CSV file to write.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Shipped model or weights folder; may be given again. Default: ours."),
    ] = None,
    max_windows: Annotated[
        int, typer.Option("--max-windows", "--most", min=1, help="Of a frequency and term.")
    ] = 60,
) -> None:
    """Compare models on the last windows of a corpus, to choose one without a benchmark.

    A model that was trained on the corpus has seen most of them.
    """
    from ttm_benchmarks.corpus.run import run

    run(data, model or [None], output, max_windows=max_windows)


@app.command()
def few_shot(
    data: Annotated[Path, typer.Option(help="Folder with the datasets as CSV or parquet.")],
    output: Annotated[
        Path,
        typer.Option(
            help="CSV file, a row for each dataset and horizon. Give it again to resume a run "
            "that was stopped."
        ),
    ],
    model: Model = None,
    datasets: Annotated[
        str, typer.Option(help="Names of datasets, with commas.")
    ] = "ETTh1,ETTh2,ETTm1,ETTm2,Weather",
    horizons: Annotated[
        str, typer.Option(help="Numbers of steps to forecast, with commas.")
    ] = ",".join(map(str, HORIZONS)),
    strategy: Annotated[
        str, typer.Option(help="What is trained: decoder (and head), head, bias or full.")
    ] = "decoder",
    seed: Annotated[int, typer.Option(min=0, help="Of windows, their order and dropout.")] = 0,
    every: Annotated[
        int, typer.Option(min=1, help="Test windows to step over, for a quick look. 1: all count.")
    ] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 256,
) -> None:
    """Fine-tune on the first 5 % of the training windows, and compare with zero-shot."""
    from ttm_benchmarks.ltsf.few_shot import SETTINGS, run

    settings = replace(SETTINGS, strategy=strategy, seed=seed)  # type: ignore[arg-type]
    within = run(
        data,
        model,
        output,
        datasets=_names(datasets),
        horizons=_whole_numbers("--horizons", horizons),
        settings=settings,
        batch_size=batch_size,
        every=every,
    )
    raise typer.Exit(0 if within else 1)


@app.command()
def covariates(
    output: Annotated[Path, typer.Option(help="CSV file to write, a row for each set.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder with ETT. Default: a made set alone.")
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(help="Folder of a corpus with GEFCom's loads and avocado sales. Default: no."),
    ] = None,
    model: Model = None,
    datasets: Annotated[str, typer.Option(help="Real sets, with commas.")] = "ETTh1,ETTh2",
    seed: Annotated[int, typer.Option(min=0, help="Of the made set and of fine-tuning.")] = 0,
) -> None:
    """Forecast without and with covariates, zero-shot and fine-tuned, on made and real sets."""
    from ttm_benchmarks.covariates import run

    within = run(data, corpus, model, output, datasets=_names(datasets), seed=seed)
    raise typer.Exit(0 if within else 1)


@app.command()
def detect(
    output: Annotated[Path, typer.Option(help="CSV file to write, a row for each set and rate.")],
    corpus: Annotated[
        Path | None,
        typer.Option(help="Folder of a corpus with NAB and others. Default: made series alone."),
    ] = None,
    model: Model = None,
    series: Annotated[int, typer.Option(min=1, help="Of each kind and source.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of what is made, drawn and put in.")] = 0,
) -> None:
    """Measure flags of normal points, and of faults that are put into series."""
    from ttm_benchmarks.detect import run

    run(model, corpus, output, series=series, seed=seed)


@app.command()
def gift_eval(
    data: Annotated[
        Path,
        typer.Option(envvar="GIFT_EVAL", help="Folder with the sets as Hugging Face datasets."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            help="Folder for all_results.csv and config.json. Give it again to resume a run "
            "that was stopped."
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help='Shipped model, weights folder, "seasonal_naive", "naive", or the dotted path of '
            "a GluonTS predictor class. Default: the default model."
        ),
    ] = None,
    tasks: Annotated[
        str,
        typer.Option(
            help="Tasks, with commas and wildcards, such as 'ett*/short,hospital/*'.",
            show_default="all whose data are there",
        ),
    ] = "*",
    workers: Annotated[int, typer.Option(min=1, help="Tasks at the same time.")] = 1,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Series in one forward pass. Halved when memory runs out.")
    ] = 512,
    device: Annotated[str, typer.Option(help="Any torch device.")] = "cpu",
    multivariate: Annotated[
        bool, typer.Option("--multivariate", help="Forecast all variates of a series at once.")
    ] = False,
    before_test: Annotated[
        bool,
        typer.Option(
            "--before-test",
            help="Measure on as many windows before the test windows instead, to choose models by.",
        ),
    ] = False,
    finetune: Annotated[
        bool,
        typer.Option(
            "--finetune",
            help="Fine-tune on the training part of each task, and compare with zero-shot, whose "
            "results go to zero_shot below the output.",
        ),
    ] = False,
    calendar: Annotated[
        bool,
        typer.Option(
            "--calendar",
            help="Give the calendar of the dates as covariates, and compare with zero-shot without "
            "it, whose results go to zero_shot below the output.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of fine-tuning.")] = 0,
) -> None:
    """Measure a model on GIFT-Eval and write a submission."""
    options: dict[str, Any] = {
        "patterns": _names(tasks),
        "workers": workers,
        "batch_size": batch_size,
        "device": device,
        "multivariate": multivariate,
        "before_test": before_test,
    }
    if calendar and finetune:
        raise typer.BadParameter("give --calendar or --finetune, not both")
    if calendar:
        from ttm_benchmarks.gift_eval.fine_tuned import run_with_calendar

        raise typer.Exit(0 if run_with_calendar(data, model, output, **options) else 1)
    if finetune:
        from ttm_benchmarks.gift_eval.fine_tuned import run_both

        raise typer.Exit(0 if run_both(data, model, output, seed=seed, **options) else 1)
    from ttm_benchmarks.gift_eval.run import run

    run(data, model, output, **options)


@app.command()
def fev(
    output: Annotated[
        Path, typer.Option(help="Folder for summaries.csv, leaderboard.csv and the tasks' data.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Shipped model or weights folder; may be given again. Default: ours."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help="YAML file with tasks of fev. Default: the demo's series and sales."),
    ] = None,
    gift_eval: Annotated[
        Path | None, typer.Option(help="Folder with GIFT-Eval's sets, for their tasks instead.")
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="Tasks of GIFT-Eval, with commas and wildcards.")
    ] = "*",
    device: Annotated[str, typer.Option(help="Any torch device.")] = "cpu",
) -> None:
    """Compare models by AutoGluon's fev: win rates, and skill scores against seasonal naive."""
    if benchmark is not None and gift_eval is not None:
        raise typer.BadParameter("give --benchmark or --gift-eval, not both")
    from ttm_benchmarks.fev_tasks.run import run

    run(
        model or [None],
        output,
        benchmark=benchmark,
        data=gift_eval,
        patterns=_names(tasks),
        device=device,
    )


@app.command()
def leaderboard(
    results: Annotated[
        list[Path],
        typer.Option(
            help="Folder with all_results.csv, or folder of such folders. May be given several "
            "times; the picture points out the first model."
        ),
    ],
    baseline: Annotated[Path, typer.Option(help="Published results of seasonal naive.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for leaderboard.csv and leaderboard.png. Default: print only."),
    ] = None,
    tasks: CommonTasks = "*",
    parameters: Parameters = "",
) -> None:
    """Compare GIFT-Eval results of models: scores relative to seasonal naive, and ranks."""
    from ttm_benchmarks.gift_eval.leaderboard import run

    run(
        results,
        baseline,
        output,
        patterns=_names(tasks),
        parameters=_counts("--parameters", parameters),
    )


@app.command()
def compare(
    model: Annotated[
        list[str],
        typer.Option(
            help="Give it once for each model; the first is compared with each of the others. What "
            "gift-eval takes as --model, a folder with results, or MODEL=FOLDER: a model, and the "
            "published results that stand in where it can not run."
        ),
    ],
    baseline: Annotated[Path, typer.Option(help="Published results of seasonal naive.")],
    output: Annotated[
        Path,
        typer.Option(
            help="Folder for tasks.csv, models.csv, pairs.csv and results of models that are run. "
            "Give it again to resume a run that was stopped."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="GIFT_EVAL",
            help="Folder with the sets as Hugging Face datasets, for models that are run.",
        ),
    ] = None,
    tasks: CommonTasks = "*",
    parameters: Parameters = "",
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 512,
    device: Annotated[str, typer.Option(help="Any torch device.")] = "cpu",
) -> None:
    """Compare models on the same GIFT-Eval tasks: accuracy, wins, seconds, memory."""
    from ttm_benchmarks.tabpfn_comparison.run import run

    run(
        model,
        data,
        baseline,
        output,
        patterns=_names(tasks),
        parameters=_counts("--parameters", parameters),
        batch_size=batch_size,
        device=device,
    )


@app.command()
def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Folders with all_results.csv, or folders of such folders. The report is about "
            "the first model."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for index.html.")],
    baseline: Annotated[
        str, typer.Option(help="Model by whose scores all are divided.")
    ] = "seasonal_naive",
    against: Annotated[
        str, typer.Option(help="Model that the first one is compared with, task by task.")
    ] = "tabpfn_ts",
    tasks: CommonTasks = "*",
    parameters: Parameters = "",
) -> None:
    """Write GIFT-Eval results as one page to look at, which opens from disk."""
    from ttm_benchmarks.report.run import run

    run(
        results,
        output,
        baseline=baseline,
        against=against,
        patterns=_names(tasks),
        parameters=_counts("--parameters", parameters),
    )


@app.command()
def chaos(
    output: Annotated[Path, typer.Option(help="Folder for trials.csv, and for what failed.")],
    minutes: Annotated[float, typer.Option(min=0, help="How long; one trial at least.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is random.")] = 0,
    only: Annotated[
        int | None, typer.Option(min=0, help="Number of a trial of this seed to repeat.")
    ] = None,
) -> None:
    """Kill commands, damage their inputs and fill their disks, and see that nothing is lost.

    Ends with exit code 1 where a command lost something, left something behind, hung, or ended
    otherwise than with exit code 0, or with 2 and one line that says why.
    """
    from ttm_benchmarks.chaos.run import run

    raise typer.Exit(0 if run(output, minutes=minutes, seed=seed, only=only) else 1)


@app.command()
def import_time(
    runs: Annotated[int, typer.Option(min=1, help="Fresh processes for each statement.")] = 11,
) -> None:
    """Compare the time to import this package with the time to import torch alone."""
    from ttm_benchmarks.speed.import_time import run

    raise typer.Exit(0 if run(runs) else 1)


@app.command()
def table_speed(
    series: Annotated[int, typer.Option(min=2, help="Series in the table.")] = 30_000,
    dates: Annotated[int, typer.Option(min=10, help="Dates with offsets to read.")] = 50_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of reading that count.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the values.")] = 0,
) -> None:
    """Compare the time that a table takes with that of forecasting its series."""
    from ttm_benchmarks.speed.table_speed import run

    raise typer.Exit(0 if run(series=series, dates=dates, rounds=rounds, seed=seed) else 1)


@app.command()
def many_series(
    output: Annotated[
        Path,
        typer.Option(
            help="Folder for the series, forecasts and results.json. Give it again to resume a run "
            "that was stopped."
        ),
    ],
    stages: Annotated[
        str,
        typer.Option(
            help="With commas: whole (memory and speed of all series), scaling (from one worker to "
            "two), kills (of workers and of the driver)."
        ),
    ] = "whole,scaling,kills",
    series: Annotated[int, typer.Option(min=1, help="Series of stage whole.")] = 1_000_000,
    per_file: Annotated[int, typer.Option(min=1, help="Series in a file.")] = 20_000,
    subset: Annotated[
        int, typer.Option(min=16, help="Series of the other stages, in 16 files.")
    ] = 32_000,
    workers: Annotated[int, typer.Option(min=1, help="Processes of stage whole.")] = 2,
) -> None:
    """Forecast a folder of Parquet files: memory, speed, scaling, and what kills change."""
    from ttm_benchmarks.many_series.run import run

    within = run(
        output,
        stages=_names(stages),
        series=series,
        per_file=per_file,
        subset=subset,
        workers=workers,
    )
    raise typer.Exit(0 if within else 1)


@app.command()
def gluonts_throughput(
    model: Model = None,
    series: Annotated[int, typer.Option(min=1, help="Series to forecast.")] = 512,
    horizon: Annotated[int, typer.Option(min=1, help="Steps to forecast.")] = 48,
    batch_size: Annotated[int, typer.Option(min=1, help="Series in one forward pass.")] = 64,
    rounds: Rounds = 5,
) -> None:
    """Compare the speed of the GluonTS predictor with the core alone and GluonTS's PatchTST."""
    from ttm_benchmarks.speed.gluonts_throughput import run

    within = run(model, series=series, horizon=horizon, batch_size=batch_size, rounds=rounds)
    raise typer.Exit(0 if within else 1)


@app.command()
def training_throughput(
    granite: Granite = ".venv-parity/bin/python",
    batch_size: StepWindows = 256,
    steps: Annotated[int, typer.Option(min=1, help="Steps in a round.")] = 20,
    rounds: Rounds = 5,
    threads: Threads = 2,
) -> None:
    """Compare the speed of training with granite-tsfm's under its own trainer."""
    from ttm_benchmarks.speed.training_throughput import run

    within = run(granite, batch_size=batch_size, steps=steps, rounds=rounds, threads=threads)
    raise typer.Exit(0 if within else 1)


@app.command()
def tuning_throughput(
    granite: Granite = ".venv-parity/bin/python",
    windows: Annotated[int, typer.Option(min=1, help="Windows to train on.")] = 10_000,
    passes: Annotated[int, typer.Option(min=1, help="How often each window comes.")] = 5,
    batch_size: StepWindows = 64,
    rounds: Rounds = 1,
    threads: Threads = 2,
) -> None:
    """Compare the speed of fine-tuning with granite-tsfm's under the Hugging Face Trainer."""
    from ttm_benchmarks.speed.tuning_throughput import run

    within = run(
        granite,
        windows=windows,
        passes=passes,
        batch_size=batch_size,
        rounds=rounds,
        threads=threads,
    )
    raise typer.Exit(0 if within else 1)


@app.command()
def data_throughput(
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of parquet files with real series.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows in a batch.")] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="Batches that count.")] = 5,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the step of training, as recipes do.")
    ] = False,
) -> None:
    """Measure how fast windows for pre-training are made, and how fast it trains on them."""
    from ttm_benchmarks.speed.data_throughput import run

    within = run(corpus, batch_size=batch_size, rounds=rounds, compiled=compiled)
    raise typer.Exit(0 if within else 1)


def main(arguments: list[str] | None = None) -> None:
    """Run ``ttm-bench``. What the user can mend is told in one line, with exit code 2.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.
    """
    with ended_by_signals():
        app(arguments, prog_name="ttm-bench")


def _whole_numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise ValueError(f"{option} takes whole numbers of at least 1 with commas, got {text!r}")
    return numbers


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _counts(option: str, text: str) -> dict[str, int]:
    counts = {}
    for part in text.split(",") if text else []:
        name, _, number = part.rpartition("=")
        try:
            counts[name.strip()] = int(float(number))
        except ValueError:
            raise ValueError(f"{option} takes NAME=COUNT with commas, got {part!r}") from None
    return counts
