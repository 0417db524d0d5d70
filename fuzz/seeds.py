# SPDX-License-Identifier: MIT
"""What a slice starts from and what it adds: text in a corpus folder, bytes inside the slice.

Contract: `write_seeds` encodes the .mm files below a folder; `keep_corpus` writes what a slice
has kept as text, named by its hash; `retire` removes entries of the farm that show nothing which
the others do not show as well, so that starting a slice stays cheap however long a farm runs.
Only one slice at a time retires (two that judge at once could each remove what the other relies
on), and only entries that the farm has made itself.

It does not promise the smallest corpus that shows everything.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from corpus import text
from fuzz.codec import MAX_SIZE, FuzzLimitError, decode, encode
from fuzz.findings import write_atomically
from fuzz.pack import packed, unpack
from simulator.scenario import MAX_FUZZ_OPS, Scenario

# What is beyond is not known to show anything, so that slices find it again and again: many
# times what a corpus has once its redundant entries are retired.
MAX_SEED_FILES: Final = 40_000
LOCK: Final = ".retiring"  # in the corpus folder

# What files are as inputs, by path, time and size, with complaints about windows that are too
# large. Most files of a corpus are the same from slice to slice, and reading a text takes as
# long as some runs of it.
_Encoded = tuple[tuple[bytes, ...], tuple[str, ...]]
_known: Final[dict[tuple[Path, int, int], _Encoded]] = {}
MAX_KNOWN: Final = 2 * MAX_SEED_FILES  # less than 100 MB


@dataclass(slots=True)
class Seeds:
    """What was written: `inputs` by name (the hash of their bytes) with the file each is the
    whole of, or None for one of several windows; and, a line each, what was not used and why."""

    inputs: dict[str, Path | None] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def input_name(data: bytes) -> str:
    """The name of an input among the seeds of a slice."""
    return hashlib.sha256(data).hexdigest()


def write_seeds(source: Path | None, pack: Path) -> Seeds:
    """Encode the .mm files below `source` into `pack`, small ones first: of two that show the
    same, the larger is the redundant one."""
    seeds = Seeds()
    encoded: list[bytes] = []
    paths = sorted(source.rglob("*.mm")) if source is not None else []
    for path in paths[MAX_SEED_FILES:]:
        seeds.unused.append(f"{path.name}: more than {MAX_SEED_FILES} seed files")
    for path in paths[:MAX_SEED_FILES]:
        try:
            pieces, complaints = _encoded(path)
        except (OSError, text.TextError) as e:
            seeds.unused.append(f"{path.name}: {e}")
            continue
        seeds.unused += complaints
        for data in pieces:
            name = input_name(data)
            if name not in seeds.inputs:
                encoded.append(data)
                seeds.inputs[name] = path if len(pieces) == 1 else None
    pack.write_bytes(b"".join(packed(data) for data in sorted(encoded, key=len)))
    return seeds


def _encoded(path: Path) -> _Encoded:
    """The inputs that a file is, and complaints about windows that are too large."""
    known = _known.get(_key(path))
    if known is not None:
        return known
    pieces: list[bytes] = []
    complaints: list[str] = []
    for piece in _windows(text.load(path)):
        try:
            pieces.append(encode(piece))
        except FuzzLimitError as e:
            complaints.append(f"{path.name}: from op {piece.ops[0].uid}: {e}")
    return _remember(path, (tuple(pieces), tuple(complaints)))


def _key(path: Path) -> tuple[Path, int, int]:
    status = path.stat()
    return path, status.st_mtime_ns, status.st_size


def _remember(path: Path, encoded: _Encoded) -> _Encoded:
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[_key(path)] = encoded
    return encoded


def _windows(scenario: Scenario) -> Iterable[Scenario]:
    """Pieces of at most MAX_FUZZ_OPS ops, in order, with the directives of their ops."""
    ops = scenario.ops
    for start in range(0, len(ops), MAX_FUZZ_OPS):
        yield scenario.with_ops(ops[start : start + MAX_FUZZ_OPS])


def keep_corpus(pack: Path, corpus: Path) -> int:
    """New inputs of a slice as text, named by their hash. Returns how many are new."""
    try:
        made = pack.read_bytes()
    except FileNotFoundError:  # the child did not get that far
        return 0
    new = 0
    for data in unpack(made):
        if len(data) > MAX_SIZE:
            continue
        scenario = decode(data)
        entry = text.dump(replace(scenario, headers=(("origin", "farm"),))).encode()
        target = corpus / f"{hashlib.sha256(entry).hexdigest()[:16]}.mm"
        if not target.exists():
            write_atomically(target, entry, sync=False)  # there are many, and more to come
            with contextlib.suppress(FileNotFoundError):  # retired by another slice already
                _remember(target, ((encode(scenario),), ()))
            new += 1
    return new


@contextlib.contextmanager
def only_retirer(corpus: Path) -> Iterator[bool]:
    """Whether nobody else may retire entries of this folder until the block ends."""
    with (corpus / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def retire(seeds: Seeds, redundant: Path, corpus: Path) -> int:
    """Remove the farm's own entries that the list `redundant` names. Returns how many."""
    retired = 0
    try:
        names = redundant.read_text().split()
    except FileNotFoundError:  # the slice ended before its seeds had all run
        return 0
    for name in names:
        path = seeds.inputs.get(name)
        if path is not None and path.parent == corpus:
            path.unlink(missing_ok=True)
            retired += 1
    return retired
