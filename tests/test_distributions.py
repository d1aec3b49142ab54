"""What each of the two distributions installs: the core with the adapters, and the benchmarks."""

import filecmp
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from setuptools.config.pyprojecttoml import read_configuration

import ttm_estimators

ROOT = Path(__file__).parents[1]
TRACKED = ("adapters", "benchmarks", "conda", "docs", "tests", "ttm_estimators", ".github")
CACHES = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist")


def distribution(folder: Path) -> tuple[dict[str, Any], set[str]]:
    """The project table, and the names of the packages at the top."""
    values = read_configuration(folder / "pyproject.toml")
    packages = values["tool"]["setuptools"]["packages"]
    return values["project"], {name.partition(".")[0] for name in packages}


def copy_of_the_source(folder: Path) -> Path:
    """A copy whose files are as old as the test."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, folder)
        elif path.name in TRACKED:
            shutil.copytree(path, folder / path.name, ignore=CACHES, copy_function=shutil.copy)
    return folder


def build(source: Path, *kind: str) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", *kind, "--outdir", "dist", "."]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (source / "dist").iterdir()
    return made


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


def test_one_version_stands_wherever_there_is_one():
    version = distribution(ROOT)[0]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert ttm_estimators.__version__ == version
    assert citation["version"] == version
    assert recipe["context"]["version"] == version
    assert re.search(rf"^## .*\b{re.escape(version)}\b", changes, re.MULTILINE)


def test_citation_and_package_name_the_same_authors_licence_and_paper():
    project = distribution(ROOT)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert [{"name": author["name"]} for author in citation["authors"]] == project["authors"]
    assert citation["license"] == project["license"]
    assert citation["references"][0]["url"] == project["urls"]["Paper"]


def test_the_conda_recipe_needs_what_the_package_needs_and_starts_the_same_command():
    project = distribution(ROOT)[0]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["torch"], *extras["parquet"]]
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))

    def bounds(lines: list[str]) -> dict[str, Any]:
        parsed = map(Requirement, lines)
        return {one.name.replace("pytorch", "torch"): one.specifier for one in parsed}

    assert bounds(recipe["requirements"]["run"]) == {
        **bounds(needed),
        "python": Requirement(f"python {project['requires-python']}").specifier,
    }
    (command,) = recipe["build"]["python"]["entry_points"]
    assert dict([command.split(" = ")]) == project["scripts"]


def test_constraints_keep_to_the_versions_that_the_package_allows():
    project = distribution(ROOT)[0]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    allowed = [Requirement(line) for line in (*project["dependencies"], *extras)]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for pin in (Requirement(line) for line in lines if not line.startswith("#")):
        (version,) = (each.version for each in pin.specifier)
        for one in allowed:
            if one.name.lower() == pin.name.lower():
                assert version in one.specifier, f"{pin} is outside of {one}"


def test_the_wheel_is_the_same_byte_by_byte_and_has_the_weights(tmp_path):
    pytest.importorskip("build")
    first, again = (build(copy_of_the_source(tmp_path / name), "--wheel") for name in ("a", "b"))
    assert first.name == again.name
    assert filecmp.cmp(first, again, shallow=False)
    with zipfile.ZipFile(first) as wheel:
        names = set(wheel.namelist())
    for model in ttm_estimators.shipped_models():
        assert f"ttm_estimators/weights/{model}/model.safetensors" in names
    installed = {str(path.relative_to(ROOT)) for path in (ROOT / "ttm_estimators").rglob("*.py")}
    assert installed <= names
    assert not any(name.startswith(("tests", "docs", "ttm_benchmarks")) for name in names)


def test_the_source_distribution_has_all_tests_and_what_they_read(tmp_path):
    pytest.importorskip("build")
    source = copy_of_the_source(tmp_path / "source")
    given = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    with tarfile.open(build(source, "--sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert given - names <= {".gitignore", ".pre-commit-config.yaml"}
