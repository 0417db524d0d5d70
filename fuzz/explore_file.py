# SPDX-License-Identifier: MIT
"""An exploration in a file, to go on from later.

Contract: `load(save(x))` goes on where x was, of the same scenario, within the same bounds, by the
same build of the model; anything else is refused with a ValueError that says what differs. The file
appears whole or not at all. It is gzipped JSON; what is not is refused.
"""

import gzip
import json
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from corpus.text import dump
from fuzz.exploration import Branch, Exploration, Report, Shared, Tree

FORMAT: Final = "mmfarm exploration 1"
MAX_BYTES: Final = 1 << 30  # of the JSON: some ten million runs that are left
_COUNTS: Final = (
    *("schedules", "cut", "orders", "outcomes", "passed_by"),
    *("steps", "restarts", "deepest", "progress"),
)


def save(exploration: Exploration, path: Path) -> None:
    """Write where an exploration is, in place of what stands there."""
    tree, report, shared = exploration.tree, exploration.report, exploration.learned()
    document = {
        **_identity(exploration),
        "counts": {name: getattr(report, name) for name in _COUNTS},
        "left": [[list(b.due), list(b.answer), b.share] for level in tree.left for b in level],
        "orders": sorted(tree.orders),
        "outcomes": sorted(tree.outcomes),
        "seen": list(tree.seen.items()),
        "shared": {name: list(table.items()) for name, table in asdict(shared).items()},
    }
    new = path.with_name(f"{path.name}.new")
    with gzip.open(new, "wt", compresslevel=1, encoding="ascii") as file:
        json.dump(document, file, separators=(",", ":"))
    new.replace(path)


def go_on(exploration: Exploration, path: Path) -> None:
    """Bring a new exploration to where the saved one was."""
    document = _read(path)
    for key, here in _identity(exploration).items():
        if document.get(key) != here:
            raise ValueError(f"{path}: is of another {key.replace('_', ' ')}; name another file")
    try:
        report = Report(bounds=exploration.report.bounds, build_id=exploration.report.build_id)
        for name in _COUNTS:
            setattr(report, name, document["counts"][name])
        tree = Tree(
            orders=set(document["orders"]),
            outcomes={tuple(results) for results in document["outcomes"]},
            seen=dict(document["seen"]),
            shared=Shared(**{name: dict(table) for name, table in document["shared"].items()}),
        )
        tree.put(Branch(tuple(due), tuple(answer), s) for due, answer, s in document["left"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: is no exploration: {error}") from error
    exploration.go_on_from(tree, report)


def _identity(exploration: Exploration) -> dict[str, Any]:
    """What must be equal to go on."""
    return {
        "format": FORMAT,
        "build": exploration.report.build_id,
        "scenario": dump(exploration.scenario),
        "bounds": asdict(exploration.report.bounds),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        with gzip.open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        document = json.loads(data) if len(data) <= MAX_BYTES else None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: is no saved exploration: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path}: is no saved exploration")
    return document
