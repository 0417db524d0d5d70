# SPDX-License-Identifier: MIT
"""What ARCHITECTURE.md and CONTRIBUTING.md name is there."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.kernels import DEFAULT
from simulator.oracles import NAMES
from tests.unit.test_layout import FLOORS

ROOT = Path(__file__).parents[2]
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
# Where a path that a page shortens may begin.
ROOTS = (
    "",
    "simulator",
    "simulator/mm",
    "simulator/kernel",
    "corpus",
    "corpus/recording",
    "fuzz",
    "conformance",
    "workers",
    "triage",
)
PLACEHOLDERS = {"PREFIX_NAME", "FUNCTION__LABEL"}
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)")


def named(page: str) -> list[str]:
    """Every path in backticks: with a slash or a suffix, without what stands behind a colon."""
    text = re.sub(r"^    .*$", "", (ROOT / page).read_text(), flags=re.MULTILINE)
    words = [word.partition(":")[0] for word in CODE.findall(text)]
    return [w for w in words if re.fullmatch(r"[a-z_./]+(\.(py|md|h|mm)|/)", w)]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    paths = named(page)
    assert len(paths) > 25
    assert not [p for p in paths if not any((ROOT / root / p).exists() for root in ROOTS)]


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_a_table_or_function_is_there(page: str) -> None:
    """`file.py:name`, and constants of one file that stand behind it in parentheses."""
    text = (ROOT / page).read_text()
    for path, name in re.findall(r"`([a-z_/]+\.py):(\w+)`", text):
        found = [ROOT / root / path for root in ROOTS if (ROOT / root / path).exists()]
        assert any(re.search(rf"\b{name}\b", file.read_text()) for file in found), (path, name)
    sources = "\n".join(
        file.read_text()
        for room in ("simulator", "corpus", "fuzz", "conformance", "tests")
        for file in (ROOT / room).rglob("*.py")
    )
    for name, path in re.findall(r"`([a-z_]+)\(\)` \(`([a-z_/]+\.py)`\)", text):
        found = [ROOT / root / path for root in ROOTS if (ROOT / root / path).exists()]
        assert any(re.search(rf"^ *def {name}\(", file.read_text(), re.M) for file in found), name
    constants = set(re.findall(r"`(_?[A-Z][A-Z_]{3,})`", text)) - PLACEHOLDERS
    assert not [
        name
        for name in constants
        if not name.endswith("_NAME") and not re.search(rf"^ *{name}\b", sources, re.MULTILINE)
    ]


def test_the_table_of_oracles_has_all_of_them_in_their_order() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"^\| O(\d+) \| `([a-z-]+)` \|", text, re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == list(enumerate(NAMES, 1))


def test_the_table_of_floors_is_the_one_that_tests_hold_the_simulator_to() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \| (`.*?`) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.M)
    floors = [
        (name, {m.replace("/", ".").rstrip(".") for m in CODE.findall(members)})
        for name, members in rows
    ]
    assert floors == [
        (name, {m for m in members.split() if m != "build.native"}) for name, members in FLOORS
    ]


def test_every_file_of_the_model_says_which_linux_it_follows() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.partition("## Which Linux a file follows")[2].partition("## Glossary")[0]
    for folder in ("mm", "kernel", "fs", "drivers", "lib", "machine"):
        for file in (ROOT / "simulator" / folder).glob("*.py"):
            if file.name not in ("__init__.py", "mm_types.py", "vm_fault.py", "cpu.py"):
                assert f"`{file.name}`" in table or f"/{file.name}`" in table, file


def test_every_file_of_the_model_says_which_version_it_follows() -> None:
    for folder in ("mm", "kernel", "fs", "drivers"):
        for file in sorted((ROOT / "simulator" / folder).glob("*.py")):
            if file.name != "__init__.py":
                said = ast.get_docstring(ast.parse(file.read_text())) or ""
                assert re.search(rf"[\w/-]+\.[ch]\b.*\b{DEFAULT}\)", said, re.DOTALL), file


def test_the_site_names_pages_that_are_there_and_no_link_leads_nowhere() -> None:
    """What `make docs` would find, without building it."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    pages = leaves(site["nav"])
    assert len(pages) > 10
    assert [page for page in pages if not (ROOT / "docs" / page).is_file()] == []
    dead = [
        f"{page.name}: {link}"
        for page in (ROOT / "docs").rglob("*.md")
        for link in LINK.findall(page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert dead == []


def leaves(nav: Any) -> list[str]:
    """The files that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [name for each in inner for name in leaves(each)]
