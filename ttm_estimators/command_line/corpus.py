"""``ttm corpus``: get real series to pre-train on, and prove that no benchmark is among them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ttm_estimators.command_line.errors import InputError, require
from ttm_estimators.command_line.output import check_output, replacing, show

corpus = typer.Typer(help="Get real series to pre-train on, and compare them with benchmarks.")


@corpus.command()
def monash(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="Sets of the Monash archive, such as tourism_monthly."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the corpus.")],
) -> None:
    """Download sets of the Monash archive and write them as a corpus.

    Sets that are benchmarks are refused. Downloads are kept in the user's cache folder.
    """
    require("pooch", "train", "downloading")
    from ttm_estimators.data.corpus import write_corpus
    from ttm_estimators.data.corpus.monash import check_name, read_monash

    if output.exists() and not output.is_dir():
        raise InputError(f"--output {output} is a file: name a folder")
    try:
        for name in names:
            check_name(name)  # all of them, before the first is fetched
        for name in names:
            entries = (entry._asdict() for entry in read_monash(name))
            typer.echo(f"Wrote {write_corpus(entries, output, f'monash_{name}')}")
    except ValueError as error:
        raise InputError(str(error)) from error


@corpus.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder of the corpus.")],
    evaluations: Annotated[
        list[Path],
        typer.Argument(
            metavar="EVALUATION...",
            help="Folders of arrow, parquet or CSV files to keep out of it.",
        ),
    ],
    output: Annotated[Path | None, typer.Option(help="JSON file for the report.")] = None,
) -> None:
    """Search a corpus for stretches of evaluation data, whatever their scale, offset or sign.

    The exit code is 1 when there are any, or a source bears the name of a benchmark.
    """
    for path in (folder, *evaluations):
        if not path.is_dir():
            raise InputError(f"there is no folder {path}")
    check_output(output, "--output", (".json",))
    from ttm_estimators.data.corpus.overlap import check as compare

    try:
        report = compare(folder, evaluations)
    except ValueError as error:
        raise InputError(str(error)) from error
    if output is not None:
        with replacing(output) as partial:
            partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(report)
    if report["overlaps"] or report["denied"]:
        raise typer.Exit(1)


def _show(report: dict[str, Any]) -> None:
    seen = Table(title="Evaluation data", title_justify="left")
    seen.add_column("Set")
    for heading in ("Series", "Points", "Windows"):
        seen.add_column(heading, justify="right")
    for one in report["evaluation"]:
        seen.add_row(one["set"], *(f"{one[key]:,}" for key in ("series", "points", "windows")))
    show(seen)
    searched = report["corpus"]
    typer.echo(
        f"Searched {searched['points']:,} points of {searched['series']:,} series from "
        f"{searched['sources']} sources. {searched['series_too_short']:,} series are shorter than "
        f"a window of {report['window']} points."
    )
    for source in report["denied"]:
        typer.echo(f"The source {source} bears the name of a benchmark set.")
    if not report["overlaps"]:
        typer.echo("No overlap found.")
        return
    found = Table(title="Overlaps", title_justify="left")
    found.add_column("Source")
    found.add_column("Set")
    for heading in ("Series", "Windows"):
        found.add_column(heading, justify="right")
    found.add_column("Such as")
    series: Counter[tuple[str, str]] = Counter()
    windows: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for one in report["overlaps"]:
        pair = (one["source"], one["evaluation"])
        series[pair] += 1
        windows[pair] += one["windows"]
        example.setdefault(pair, f"{one['item_id']} from point {one['first']}")
    for pair, count in series.most_common():
        found.add_row(*pair, f"{count:,}", f"{windows[pair]:,}", example[pair])
    show(found)
