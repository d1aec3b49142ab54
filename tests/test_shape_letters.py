"""One letter has one meaning: the table in CONTRIBUTING.md, and the legend of every module."""

import ast
import re
import string
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ttm_estimators", "adapters")
SUFFIXED_NAME = re.compile(r"_?[a-z][a-z0-9_]*_(?=[0-9]*[A-Z])([A-Z0-9]+)")
LEGEND = re.compile(r"Shape suffixes: (.+?)\.(?=\s|$)", re.DOTALL)


def meanings():
    """Meaning of each letter, by the table of CONTRIBUTING.md."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Shape letters\n")[1]
    return dict(re.findall(r"^\| ([A-Z]) \| ([^|]+?) \|", section.split("\n## ")[0], re.MULTILINE))


def names(tree):
    """Variables, arguments and attributes of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, (ast.arg, ast.keyword)):
            yield node.arg or ""
        elif isinstance(node, ast.Attribute):
            yield node.attr


def suffixes(tree):
    """Suffix of each name that has one."""
    found = {name: SUFFIXED_NAME.fullmatch(name) for name in names(tree)}
    return {name: match[1] for name, match in found.items() if match}


def legend(tree):
    """Letters that the docstring of a module declares, with what it says of them."""
    text = LEGEND.search(ast.get_docstring(tree) or "")
    entries = re.split(r",\s+(?:and )?(?=[A-Z]\b)", " ".join(text[1].split())) if text else []
    return dict(entry.split(" ", 1) for entry in entries)


MODULES = {
    str(path.relative_to(ROOT)): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


@pytest.mark.parametrize("module", MODULES)
def test_every_shape_suffix_is_in_the_legend_of_its_module(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    declared = {*legend(tree), *string.digits}
    undeclared = {name: s for name, s in suffixes(tree).items() if not declared.issuperset(s)}
    assert not undeclared, f"{module}: declare these in 'Shape suffixes: …'"


@pytest.mark.parametrize("module", MODULES)
def test_a_legend_has_no_letter_that_its_module_does_not_use(module):
    source = MODULES[module].read_text(encoding="utf-8")
    tree = ast.parse(source)
    # A letter may also stand alone in the text, such as in "shape (B, H)".
    used = {*"".join(suffixes(tree).values()), *re.findall(r"\b[A-Z]\b", LEGEND.sub("", source))}
    assert used.issuperset(legend(tree)), f"{module}: leave these out of 'Shape suffixes: …'"


@pytest.mark.parametrize("module", MODULES)
def test_a_letter_means_what_the_table_says(module):
    declared = legend(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    table = meanings()
    other = {
        letter: (own, table.get(letter))
        for letter, own in declared.items()
        if not own.startswith(table.get(letter, "(no meaning)"))
    }
    assert not other, f"{module}: each begins with its meaning in CONTRIBUTING.md"


def test_the_table_gives_each_letter_one_meaning():
    table = meanings()
    assert table
    assert len({*table.values()}) == len(table)
