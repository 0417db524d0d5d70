# SPDX-License-Identifier: MIT
"""What users hand in: files to read, places to write, and the refusal of both.

Contract: `scenario()` returns a scenario that the Machine accepts or raises; everything it
raises leads to exit code 2 with `file:line:column: message` or `file: message`, before any
work was done. It does not promise that the scenario fails or passes.
"""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.files import SCENARIOS, mm_files
from corpus.text import MAX_TEXT_BYTES, load, parse
from simulator.bugs import BY_ID
from simulator.scenario import Scenario
from triage import names
from triage.exits import Refused

if TYPE_CHECKING:
    from triage.bundle import Bundle


def scenario(path: str) -> Scenario:
    """Read and validate one .mm file; `-` is stdin, F12, C12, Q12 what the store has of that
    name, unless there is a file that is called so. A bundle is the scenario in it."""
    if path == "-":
        return parse(text(path), "<stdin>")
    found = bundled(path)
    if found is not None:
        return found.scenario
    if names.is_stored(path):
        from triage import stored  # SQLAlchemy, which files do not need

        return parse(stored.text_of(path), path)
    try:
        return load(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error


def bundled(path: str) -> "Bundle | None":
    """The bundle in a file; None for anything else, a name or stdin among them."""
    if path == "-" or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            if file.read(1) != b"{":  # no scenario begins so
                return None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    from triage import bundle  # the drawing, which scenarios do not need

    return bundle.read(text(path, bundle.MAX_BYTES), path)


def text(path: str, most: int = MAX_TEXT_BYTES) -> str:
    """A text file of the size that a scenario may have; `-` is stdin."""
    try:
        with click.open_file(path, "rb") as file:
            data: bytes = file.read(most + 1)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    if len(data) > most:
        raise Refused(f"{path}: larger than {most} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: not UTF-8 at byte {error.start}: not a text file") from error


def output_file(path: str) -> Path:
    """A file that a verb will write when its work is done: refused now if it cannot."""
    place = Path(path)
    if place.is_dir():
        raise Refused(f"{path}: is a folder, name a file")
    if not place.parent.is_dir():
        raise Refused(f"{path}: the folder {place.parent} does not exist, create it first")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise Refused(f"{path}: not writable")
    return place


def output_folder(path: str) -> Path:
    """A folder that a verb will fill, created here."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{path}: cannot create the folder: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Refused(f"{path}: not writable")
    return Path(path)


def known_bugs(ids: Sequence[str]) -> tuple[str, ...]:
    """Ids of known bugs, sorted and without doubles."""
    for name in ids:
        if name not in BY_ID:
            raise Refused(f"no known bug is called {name!r}; `mmfarm bugs list` lists them")
    return tuple(sorted(set(ids)))


def focus(functions: Sequence[str], oracle: str | None) -> tuple[str, ...]:
    """The sites of what a search is to be aimed at: functions, with commas between them or each
    on its own, and what tells an oracle what it judges. Nothing where neither is named."""
    from fuzz import targets  # reads the model's sources

    names = [name.strip() for each in functions for name in each.split(",")]
    try:
        sites = targets.of_functions(names) if functions else []
        if oracle is not None:
            sites += targets.of_oracle(oracle)
    except targets.UnknownTarget as unknown:
        raise Refused(
            f"{unknown}; `mmfarm sites` lists the functions, and the oracles are "
            f"{', '.join(targets.oracles())}"
        ) from unknown
    return tuple(sorted(set(sites)))


def seed_corpus(wanted: str | None) -> Path | None:
    """The folder of starting scenarios: mmfarm's own, `none`, or one that is given; in a given
    one every file must be a scenario."""
    if wanted is None:
        return SCENARIOS if SCENARIOS.is_dir() else None
    if wanted == "none":
        return None
    folder = Path(wanted)
    if not folder.is_dir():
        raise Refused(f"{wanted}: not a folder of .mm files; `--seed-corpus none` starts empty")
    files = mm_files([folder])
    if not files:
        raise Refused(f"{wanted}: no .mm files below it; `--seed-corpus none` starts empty")
    for file in files:
        scenario(str(file))
    return folder


def passes(path: str, given: Scenario, verb: str) -> Refused:
    """The refusal of a scenario that breaks nothing by a verb that needs a failure."""
    hint = ""
    if not given.config.bugs and any(name == "expect" for name, _ in given.headers):
        hint = " (its `# expect:` may need a `bug=ID` on the config line)"
    return Refused(
        f"{path}: passes{hint}, and {verb} needs a scenario that fails; "
        f"`mmfarm replay {shlex.quote(path)} --trace` shows what it does"
    )
