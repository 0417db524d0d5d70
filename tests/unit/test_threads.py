# SPDX-License-Identifier: MIT
"""docs/threads/: every command that a page names is one and shows what the page says, and so does
every row of its known bugs."""

import re
import shlex
from pathlib import Path
from typing import Final

import click
import pytest

from corpus.files import KNOWN_BUGS
from corpus.text import load
from simulator import bugs
from simulator.run import Machine
from triage.cli import VerbGroup

ROOT: Final = Path(__file__).parents[2]
THREADS: Final = ROOT / "docs" / "threads"
PAGES: Final = sorted(THREADS.glob("[0-9]*.md"))
SCREEN_LINES: Final = 60  # a page is read at a glance, or it is not read


def commands(page: Path) -> list[list[str]]:
    lines = re.findall(r"^    (mmfarm .*)$", page.read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines]


def rows(page: Path) -> list[tuple[str, str]]:
    """Known bugs of the page's table, and as what each is found."""
    return re.findall(r"^\| `([a-z0-9-]+)` \|.*\| ([^|]+) \|$", page.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_of_one_screen_and_has_a_race_a_clean_run_and_a_hunt(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= SCREEN_LINES
    assert {"explain", "replay", "run"} <= {command[0] for command in commands(page)}
    assert rows(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_understood(page: Path) -> None:
    group = VerbGroup("", "")
    for verb, *arguments in commands(page):
        command = group.get_command(click.Context(group), verb)
        assert command is not None, verb
        command.make_context(verb, list(arguments))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_explained_fails_and_what_is_replayed_is_what_linux_does(page: Path) -> None:
    for verb, *arguments in commands(page):
        if verb in ("explain", "replay"):
            outcome = Machine().run(load(ROOT / arguments[0]))
            assert (outcome.violation is not None) == (verb == "explain"), arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_known_bugs_are_found_as_the_page_says(page: Path) -> None:
    for bug, found in rows(page):
        assert bug in {row.id for row in bugs.BUGS}
        violation = Machine().run(load(KNOWN_BUGS / f"{bug}.mm")).violation
        assert violation is not None, bug
        assert f"{violation.signature.oracle} {violation.signature.culprit}" == found, bug


def test_the_index_has_every_page() -> None:
    assert re.findall(r"\]\(([0-9]+\.md)\)", (THREADS / "README.md").read_text()) == [
        page.name for page in PAGES
    ]


def test_the_page_of_the_collapse_says_whom_kernels_have() -> None:
    """Of userfaultfd and holes only 6.1 has it wrong."""
    row = next(r for r in bugs.BUGS if r.id == "collapsefile-fills-hole-under-uffd-missing")
    assert [row.is_in(version) for version in ("6.1", "6.12", "7.2")] == [True, False, False]
