"""What each of the two distributions installs: the core with the adapters, and the benchmarks."""

from pathlib import Path
from typing import Any

from setuptools.config.pyprojecttoml import read_configuration

ROOT = Path(__file__).parents[1]


def distribution(folder: Path) -> tuple[dict[str, Any], set[str]]:
    """The project table, and the names of the packages at the top."""
    values = read_configuration(folder / "pyproject.toml")
    packages = values["tool"]["setuptools"]["packages"]
    return values["project"], {name.partition(".")[0] for name in packages}


def test_the_core_and_the_adapters_come_with_one_command_and_no_benchmarks():
    project, packages = distribution(ROOT)
    assert packages == {
        "ttm_estimators",
        "ttm_darts",
        "ttm_fev",
        "ttm_gluonts",
        "ttm_sktime",
        "ttm_tabpfn",
    }
    assert project["scripts"].keys() == {"ttm"}


def test_benchmarks_come_with_a_command_of_their_own():
    project, packages = distribution(ROOT / "benchmarks")
    assert packages == {"ttm_benchmarks"}
    assert project["scripts"].keys() == {"ttm-bench"}


def test_benchmarks_need_the_core_of_their_own_version():
    version = distribution(ROOT)[0]["version"]
    project, _ = distribution(ROOT / "benchmarks")
    assert project["version"] == version
    extras = "distributed,fev,gluonts,plot,report"
    assert f"ttm-estimators[{extras}]=={version}" in project["dependencies"]
