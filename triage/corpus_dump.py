# SPDX-License-Identifier: MIT
"""The corpus of the store as .mm files.

Contract: a file an entry, named by its hash, whole or not at all; a file that is there stays.
What was dumped and is taken in again is the same corpus.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from corpus import text
from corpus.headers import check
from fuzz.findings import write_atomically
from workers.entries import entry_key
from workers.store import Store

AT_ONCE: Final = 500
NAME_CHARACTERS: Final = 16


def dump(store: Store, folder: Path, since: int) -> tuple[int, int]:
    """Returns how many files were written, and the number of the last entry."""
    written = 0
    while entries := store.above(since, AT_ONCE):
        for entry in entries:
            since = entry.seq
            path = folder / f"{entry_key(entry.text)[:NAME_CHARACTERS]}.mm"
            if not path.exists():
                write_atomically(path, _with_origin(entry.text, entry.origin).encode(), sync=False)
                written += 1
    return written, since


def _with_origin(bare: str, origin: str) -> str:
    scenario = text.parse(bare)
    if check("origin", origin):  # given by a person, who named none
        return text.dump(scenario)
    return text.dump(replace(scenario, headers=(("origin", origin),)))
