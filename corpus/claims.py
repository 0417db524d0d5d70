# SPDX-License-Identifier: MIT
"""Claims about races, as people and reviewing programs write them, turned into scenarios.

    claim collect flushes after it has dropped the page table lock
    model bug=migratevma-tlb-flush-after-ptl
    T0 mmap 0..1 rw private anon populate
    DEVICE migrate_to_device 0..1
    T1 madvise 0..1 DONTNEED
    DEVICE stops at migrate_vma_collect_pmd:ptl_dropped while T1 runs

or the same as JSON (docs/schemas/claim.json), or a scenario. Ops are those of scenarios without
uids; `model` is the rest of a config line. A claim has actors, ops and stops, and says neither
what breaks nor how much to try.

Contract: `read` raises TextError with the place for what is no claim, and `NotModelled` for one
that is, in words that the model lacks: all of them are named.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from corpus import headers
from corpus.text import TextError, parse
from corpus.words import nearest
from simulator.ops import BY_NAME
from simulator.scenario import ACTOR_NAMES, PARK, Directive, Scenario
from simulator.sites import BY_NAME as SITES

_STOP: Final = re.compile(r"(\S+) stops at (\S+) while (\S+) runs", re.ASCII)
_CONFIG: Final = "config pmd_order=3 frames=64"


class NotModelled(ValueError):
    """What the claim needs and the model lacks, a phrase each."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__("; ".join(missing))
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Stop:
    """`actor` stops at `site`, the first time it comes there, while `runs` runs its ops."""

    actor: str
    site: str
    runs: str


@dataclass(frozen=True, slots=True)
class Claim:
    """`scenario` has no directives unless the claim was a scenario that had some."""

    title: str
    scenario: Scenario
    stops: tuple[Stop, ...]


def read(text: str, name: str = "<claim>") -> Claim:
    """The claim in any of its three forms."""
    if text.startswith(headers.MAGIC):
        scenario = parse(text, name)
        return Claim(dict(scenario.headers).get("title", ""), scenario, ())
    if text.lstrip().startswith("{"):
        return _from_json(text, name)
    return _from_lines(text, name)


def directives(claim: Claim, passed: Sequence[tuple[int, str]]) -> tuple[Directive, ...] | None:
    """The stops as directives, None when an actor never came to its site. `passed` are the uid
    and site of each step of a run."""
    if not claim.stops:
        return claim.scenario.directives
    found = []
    for stop in claim.stops:
        actor, runs = ACTOR_NAMES.index(stop.actor), ACTOR_NAMES.index(stop.runs)
        mine = {op.uid for op in claim.scenario.ops if op.actor == actor}
        until = [op.uid for op in claim.scenario.ops if op.actor == runs][-1]
        at = next((uid for uid, site in passed if uid in mine and site == stop.site), None)
        if at is None:
            return None
        found.append(Directive(at, stop.site, 1, PARK, until))
    return tuple(found)


def _from_json(text: str, name: str) -> Claim:
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise TextError(name, error.lineno, error.colno, f"not JSON: {error.msg}") from None
    keys = {"claim", "model", "ops", "stops"}
    if not isinstance(raw, dict) or set(raw) - keys or "ops" not in raw:
        raise TextError(
            name,
            1,
            1,
            f"a claim is an object with {', '.join(sorted(keys))}; "
            "docs/schemas/claim.json has its schema",
        )
    ops, stops = raw["ops"], raw.get("stops", [])
    if not _strings(ops) or not isinstance(stops, list):
        raise TextError(name, 1, 1, "`ops` is a list of strings, `stops` one of objects")
    made = []
    for stop in stops:
        if (
            not isinstance(stop, dict)
            or set(stop) != {"actor", "at", "while"}
            or not _strings(list(stop.values()))
        ):
            raise TextError(name, 1, 1, "a stop has `actor`, `at` and `while`, all strings")
        made.append((1, Stop(stop["actor"], stop["at"], stop["while"])))
    title, model = raw.get("claim", ""), raw.get("model", "")
    if not _strings([title, model]):
        raise TextError(name, 1, 1, "`claim` and `model` are strings")
    return _make(name, title, model, [(1, op) for op in ops], made)


def _strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _from_lines(text: str, name: str) -> Claim:
    title, model = "", ""
    ops: list[tuple[int, str]] = []
    stops: list[tuple[int, Stop]] = []
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        stop = _STOP.fullmatch(line.strip())
        if not word or word.startswith("#"):
            continue
        if word == "claim":
            title = rest.strip()
        elif word == "model":
            model = rest.strip()
        elif stop:
            stops.append((number, Stop(*stop.groups())))
        else:
            ops.append((number, line.strip()))
    return _make(name, title, model, ops, stops)


def _make(
    name: str, title: str, model: str, ops: list[tuple[int, str]], stops: list[tuple[int, Stop]]
) -> Claim:
    missing = [phrase for number, op in ops for phrase in _lacks(op, name, number)]
    for number, stop in stops:
        for actor in (stop.actor, stop.runs):
            if not any(op.split(" ")[0] == actor for _, op in ops):
                raise TextError(name, number, 1, f"{actor} has no op in this claim")
        if stop.site not in SITES:
            missing.append(f"the site {stop.site}{nearest(stop.site, tuple(SITES))}")
    if missing:
        raise NotModelled(list(dict.fromkeys(missing)))
    lines = [headers.MAGIC, f"{_CONFIG} {model}".rstrip()]
    lines += [f"{uid} {op}" for uid, (_, op) in enumerate(ops, 1)]
    try:
        scenario = parse("\n".join(lines) + "\n", name)
    except TextError as error:
        at = error.line - 3  # the op's place
        number = ops[at][0] if 0 <= at < len(ops) else 1
        raise TextError(name, number, max(1, error.column - 2), error.message) from None
    return Claim(title, scenario, tuple(stop for _, stop in stops))


def _lacks(op: str, name: str, number: int) -> list[str]:
    words = op.split(" ")
    if len(words) < 2:
        raise TextError(
            name,
            number,
            1,
            "an op looks like `T0 read 3`, a stop like `T0 stops at SITE while T1 runs`",
        )
    lacks = []
    if words[0] not in ACTOR_NAMES:
        lacks.append(f"the actor {words[0]}{nearest(words[0], ACTOR_NAMES)}")
    if words[1] not in BY_NAME:
        lacks.append(f"the op {words[1]}{nearest(words[1], tuple(BY_NAME))}")
    return lacks
