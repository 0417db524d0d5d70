# SPDX-License-Identifier: MIT
"""What lies in a data folder and belongs into the store.

Contract: `take_in` brings the .mm files below `corpus/` into the corpus, and the finds that older
versions left in `findings/` into the failures, once, however often it is called. Files that the
farm itself wrote go when they are in the store; those that people put there stay. What cannot be
used stays, too, and is said.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fuzz.codec import FuzzLimitError, decode
from fuzz.findings import read_findings
from fuzz.seeds import inputs, load_scenarios
from simulator.scenario import Scenario
from workers.attempts import parsed
from workers.entries import OURS, Made, bare
from workers.store import Store

_OURS: Final = re.compile(r"[0-9a-f]{16}\.mm")  # as revision 0001 named its corpus
AT_ONCE: Final = 500  # scenarios in one transaction


def take_in(store: Store, folder: Path) -> list[str]:
    """Returns a line for each file that could not be used. Raises StoreDown."""
    complaints = plant(store, folder / "corpus", ours=True)
    left = folder / "findings"
    if left.is_dir():
        known = {str(row.signature) for row in store.failures()}
        found = parsed(read_findings(left, complaints), complaints)
        store.file([each for each in found if str(each.signature) not in known], None)
        for path in left.glob("*.json"):
            if not any(path.name in line for line in complaints):
                path.unlink(missing_ok=True)
    return complaints


def plant(store: Store, source: Path, *, ours: bool = False) -> list[str]:
    """Take the scenarios below a folder into the corpus. With `ours`, files that the farm wrote
    are removed when they are."""
    complaints: list[str] = []
    made: list[Made] = []
    written: list[Path] = []
    if not source.is_dir():
        return complaints
    for path, scenario in load_scenarios(source, complaints):
        origin = dict(scenario.headers).get("origin", "given")
        try:
            made += [Made(text, origin=origin) for text in _bare_inputs(scenario)]
        except FuzzLimitError as error:
            complaints.append(f"{path.name}: {error}")
            continue
        if ours and origin == OURS and _OURS.fullmatch(path.name) and path.parent == source:
            written.append(path)
        if len(made) >= AT_ONCE:
            _take(store, made, written)
    _take(store, made, written)
    return complaints


def _bare_inputs(scenario: Scenario) -> Iterable[str]:
    return [bare(decode(data)) for data in inputs(scenario)]


def _take(store: Store, made: list[Made], written: list[Path]) -> None:
    store.plant(made)
    for path in written:
        path.unlink(missing_ok=True)
    made.clear()
    written.clear()
