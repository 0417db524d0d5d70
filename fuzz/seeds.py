# SPDX-License-Identifier: MIT
"""What a slice starts from and what it keeps: text outside, bytes inside the slice.

Contract: `inputs` gives what a scenario is as inputs; `write_seeds` takes the .mm files below a
folder; `read_kept` gives what a slice has kept, as bare texts with their features. What cannot
be used is said, one line each, and never stops anything: neither a file that is no scenario, nor
one that is no file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from corpus import text
from fuzz import maps
from fuzz.codec import MAX_SIZE, FuzzLimitError, decode, encode
from fuzz.pack import packed, unpack
from simulator.features import COUNTERS_SIZE
from simulator.scenario import MAX_FUZZ_OPS, Scenario

MAX_SEED_FILES: Final = 40_000  # below one folder; many times what a hand-made corpus has


@dataclass(slots=True)
class Seeds:
    """What was written: how many inputs; and, a line each, what was not used and why."""

    inputs: int = 0
    unused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kept:
    """A scenario that a slice has kept or measured: its text, and the map of the features it
    showed (a byte a counter, a bit a bucket)."""

    text: str
    features: bytes


def inputs(scenario: Scenario) -> Iterator[bytes]:
    """The inputs that a scenario is: pieces of at most MAX_FUZZ_OPS ops, in order, with the
    directives of their ops. Raises FuzzLimitError for one that is too large."""
    ops = scenario.ops
    for start in range(0, len(ops), MAX_FUZZ_OPS):
        yield encode(scenario.with_ops(ops[start : start + MAX_FUZZ_OPS]))


def load_scenarios(source: Path, unused: list[str]) -> Iterator[tuple[Path, Scenario]]:
    """The scenarios below a folder; complaints are appended to `unused`."""
    paths = sorted(source.rglob("*.mm"))
    for path in paths[MAX_SEED_FILES:]:
        unused.append(f"{path.name}: more than {MAX_SEED_FILES} files")
    for path in paths[:MAX_SEED_FILES]:
        if not path.is_file():  # reading a FIFO would wait for ever
            unused.append(f"{path.name}: not a regular file")
            continue
        try:
            yield path, text.load(path)
        except (OSError, text.TextError) as e:
            unused.append(f"{path.name}: {e}")


def write_pack(path: Path, made: Iterable[bytes]) -> None:
    path.write_bytes(b"".join(packed(data) for data in made))


def write_seeds(source: Path | None, pack: Path) -> Seeds:
    """Encode the .mm files below `source` into `pack`, each input once, small ones first."""
    seeds = Seeds()
    encoded: set[bytes] = set()
    for path, scenario in load_scenarios(source, seeds.unused) if source is not None else ():
        try:
            encoded.update(inputs(scenario))
        except FuzzLimitError as e:
            seeds.unused.append(f"{path.name}: {e}")
    seeds.inputs = len(encoded)
    write_pack(pack, sorted(encoded, key=lambda data: (len(data), data)))
    return seeds


def read_kept(pack: Path) -> Iterator[Kept]:
    """What a slice has kept: pairs of an input and its features. What is cut off, or no such
    thing, ends it."""
    try:
        made = unpack(pack.read_bytes())
    except FileNotFoundError:  # the child did not get that far
        return
    for data in made:
        shown = next(made, None)
        if shown is None or len(data) > MAX_SIZE:
            return
        try:
            features = maps.from_features(shown, COUNTERS_SIZE)
        except maps.MapError:
            return
        yield Kept(text.dump(replace(decode(data), headers=())), features)
