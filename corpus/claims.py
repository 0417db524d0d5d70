# SPDX-License-Identifier: MIT
"""Claims about races, as people and reviewing programs write them, turned into scenarios.

    claim collect flushes after it has dropped the page table lock
    model bug=migratevma-tlb-flush-after-ptl
    T0 mmap 0..1 rw private anon populate
    DEVICE migrate_to_device 0..1
    T1 madvise 0..1 DONTNEED
    DEVICE stops at migrate_vma_collect_pmd:ptl_dropped while T1 runs

or the same as JSON (docs/schemas/claim.json), or a scenario. Ops are those of scenarios without
uids, and may say what they return: `T1 madvise 0..8 COLLAPSE = EINVAL`. `model` has words of a
config line; without `kernel=` the claim is about Linux 7.2, and a full version (6.12.118) will do.
A claim has actors, ops and stops, and says neither what breaks nor how much to try.

Contract: `read` raises TextError with the place for what is no claim, and `NotModelled` for one
that is, in words that the model lacks: all of them are named.
"""

import errno
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from corpus import beyond, headers
from corpus.text import TextError, parse
from corpus.words import nearest
from simulator import kernels
from simulator.bugs import BY_ID, apart, full
from simulator.ops import BY_NAME, OPS, may_run
from simulator.outcome import SIGBUS, SIGKILL, SIGSEGV, SKIPPED
from simulator.scenario import ACTOR_NAMES, Config, Scenario
from simulator.sites import BY_NAME as SITES

_STOP: Final = re.compile(r"(\S+) stops at (\S+) while (\S+) runs", re.ASCII)
_AT: Final = re.compile(r"([^#]+)(?:#([1-9][0-9]{0,5}))?", re.ASCII)
_RETURNS: Final = re.compile(r"(.*\S) = (\S+)", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_PLACED: Final = re.compile(r"\w+@[0-9]+", re.ASCII)
_VERSION: Final = re.compile(r"[0-9]+(\.[0-9]+)+(-.*)?", re.ASCII)
_A_WORD: Final = re.compile(r"[A-Za-z_-]{2,}", re.ASCII)
_SETTINGS: Final = tuple(f.name for f in fields(Config) if f.name not in ("placement", "bugs"))
_SIZE: Final = {"pmd_order": "pmd_order=3", "frames": "frames=64"}
_RESULTS: Final = {
    "SIGSEGV": SIGSEGV,
    "SIGBUS": SIGBUS,
    "SIGKILL": SIGKILL,
    "skipped": SKIPPED,
    **{name: -number for number, name in errno.errorcode.items()},
}


class NotModelled(ValueError):
    """What the claim needs and the model lacks, a phrase each."""

    def __init__(self, missing: Sequence[str], title: str = "") -> None:
        super().__init__("; ".join(missing))
        self.missing = tuple(missing)
        self.title = title


@dataclass(frozen=True, slots=True)
class Stop:
    """`actor` stops at `site`, the `visit`-th time it comes there, while `runs` runs its ops."""

    actor: str
    site: str
    runs: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """`scenario` is of the kernel as it was shipped, with what the claim changes in it; it has no
    directives unless the claim was a scenario that had some. `kernel` is the full version that
    was asked for, `changes` the known bugs that the claim names. `returns` are uids of ops with
    the results that the claim says they have."""

    title: str
    scenario: Scenario
    stops: tuple[Stop, ...]
    kernel: str = kernels.DEFAULT
    changes: tuple[str, ...] = ()
    returns: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Raw:
    """A claim as it was written, each op and stop with its line."""

    title: str = ""
    model: str = ""
    at: int = 1  # line of the model
    ops: list[tuple[int, str]] = field(default_factory=list)
    stops: list[tuple[int, Stop]] = field(default_factory=list)


@dataclass(slots=True)
class _Model:
    """The words of the model: a config line, and what the kernel is."""

    line: str
    kernel: str
    changes: tuple[str, ...]


def read(text: str, name: str = "<claim>") -> Claim:
    """The claim in any of its three forms."""
    if text.startswith(headers.MAGIC):
        return _of_scenario(parse(text, name))
    raw = _from_json(text, name) if text.lstrip().startswith("{") else _from_lines(text, name)
    return _make(name, raw)


def _of_scenario(scenario: Scenario) -> Claim:
    config = scenario.config
    kernel = config.kernel or kernels.DEFAULT
    return Claim(
        dict(scenario.headers).get("title", ""),
        replace(scenario, config=replace(config, kernel=kernel)),
        (),
        kernel,
        config.bugs,
    )


def _from_json(text: str, name: str) -> _Raw:
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
        made.append((1, _stop(name, 1, stop["actor"], stop["at"], stop["while"])))
    title, model = raw.get("claim", ""), raw.get("model", "")
    if not _strings([title, model]):
        raise TextError(name, 1, 1, "`claim` and `model` are strings")
    return _Raw(title, model, 1, [(1, op) for op in ops], made)


def _strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _from_lines(text: str, name: str) -> _Raw:
    raw = _Raw()
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        stop = _STOP.fullmatch(line.strip())
        if not word or word.startswith("#"):
            continue
        if word == "claim":
            raw.title = rest.strip()
        elif word == "model":
            raw.model, raw.at = rest.strip(), number
        elif stop:
            raw.stops.append((number, _stop(name, number, *stop.groups())))
        else:
            raw.ops.append((number, line.strip()))
    return raw


def _stop(name: str, number: int, actor: str, at: str, runs: str) -> Stop:
    place = _AT.fullmatch(at)
    if place is None:
        raise TextError(name, number, 1, "a stop is at `function:label`, or `function:label#2`")
    return Stop(actor, place[1], runs, int(place[2] or 1))


def _make(name: str, raw: _Raw) -> Claim:
    missing = beyond.named(raw.title)
    model = _read_model(name, raw, missing)
    ops: list[tuple[int, str]] = []
    returns: list[tuple[int, int]] = []
    for uid, (number, line) in enumerate(raw.ops, 1):
        op, result = _split_result(name, number, line)
        ops.append((number, op))
        if result is not None:
            returns.append((uid, result))
        missing += _lacks(op, name, number)
    for number, stop in raw.stops:
        for actor in (stop.actor, stop.runs):
            if not any(op.split(" ")[0] == actor for _, op in ops):
                raise TextError(name, number, 1, f"{actor} has no op in this claim")
        if stop.site not in SITES:
            missing += _unknown("the site", stop.site, tuple(SITES))
    if missing:
        raise NotModelled(list(dict.fromkeys(missing)), raw.title)
    scenario = _parse(name, raw, model.line, ops)
    stops = tuple(stop for _, stop in raw.stops)
    return Claim(raw.title, scenario, stops, model.kernel, model.changes, tuple(returns))


def _parse(name: str, raw: _Raw, config: str, ops: list[tuple[int, str]]) -> Scenario:
    """The claim's ops as a scenario; what is wrong is told with the claim's own places."""
    lines = [headers.MAGIC, config, *(f"{uid} {op}" for uid, (_, op) in enumerate(ops, 1))]
    try:
        return parse("\n".join(lines) + "\n", name)
    except TextError as error:
        uid = error.line - 2
        if not 1 <= uid <= len(ops):
            raise TextError(name, raw.at, 1, error.message) from None
        number, op = ops[uid - 1]
        column = max(1, error.column - len(f"{uid} "))
        word = _A_WORD.fullmatch(op[column - 1 :].partition(" ")[0])
        if word and word[0] not in op.split(" ")[:2]:  # a flag, an advice: not a slip of the pen
            lacks = f"`{word[0]}` of {op.split(' ')[1]}: {error.message}"
            raise NotModelled([lacks], raw.title) from None
        raise TextError(name, number, column, error.message) from None


def _split_result(name: str, number: int, line: str) -> tuple[str, int | None]:
    """An op, and what the claim says that it returns."""
    found = _RETURNS.fullmatch(line)
    if found is None:
        return line, None
    op, said = found.groups()
    if _NUMBER.fullmatch(said):
        return op, int(said)
    if said not in _RESULTS:
        hint = nearest(said, tuple(_RESULTS))
        raise TextError(
            name, number, len(op) + 4, f"an op returns a number, an errno or a signal{hint}"
        )
    return op, _RESULTS[said]


def _read_model(name: str, raw: _Raw, missing: list[str]) -> _Model:
    """The words of `model` in the order of a config line; what is unknown goes to `missing`."""
    settings = dict(_SIZE)
    placed: list[str] = []
    changes: list[str] = []
    version = kernels.DEFAULT
    for word in raw.model.split():
        key, equals, value = word.partition("=")
        if _PLACED.fullmatch(word):
            placed.append(word)
        elif not equals:
            raise TextError(
                name, raw.at, 1, f"`model` has words like kernel=6.12 and bug=ID, not {word!r}"
            )
        elif key == "bug":
            changes.append(value)
            if value.removeprefix("-") not in BY_ID:
                missing += _unknown("the known bug", value, tuple(BY_ID))
        elif key == "kernel":
            version = value
        elif key in _SETTINGS:
            settings[key] = word
        else:
            missing += _unknown("the setting", word, _SETTINGS)
    series = version
    rows: list[str] = []
    lacks = _version_lacks(version)
    if lacks:
        missing.append(lacks)
    elif version not in kernels.VERSIONS:
        series = kernels.nearest(version)
        rows = list(apart(series, version))
    named = {change.removeprefix("-") for change in changes}
    rows = [row for row in rows if row.removeprefix("-") not in named]
    words = ["config", *(settings[key] for key in _SETTINGS if key in settings), *sorted(placed)]
    words += [f"kernel={series}", *(f"bug={bug}" for bug in sorted({*changes, *rows}))]
    return _Model(" ".join(words), version, tuple(sorted(set(changes))))


def _version_lacks(version: str) -> str:
    """What a version asks for that the model cannot be; "" if it can."""
    if not _VERSION.fullmatch(version):
        return f"the kernel {version}: `kernel=` takes a version of Linux"
    oldest, newest = kernels.VERSIONS[0], kernels.VERSIONS[-1]
    if not full(oldest)[:2] <= full(version)[:2] <= full(newest)[:2]:
        return f"Linux {version}: the model can be {oldest} to {newest}"
    return ""


def _unknown(what: str, word: str, names: Sequence[str]) -> list[str]:
    """What the model lacks by its name, and what that stands for if it is known here."""
    outside = beyond.named(word)
    return outside or [f"{what} {word}{nearest(word, names)}"]


def _lacks(op: str, name: str, number: int) -> list[str]:
    words = op.split(" ")
    if len(words) < 2:
        raise TextError(
            name,
            number,
            1,
            "an op looks like `T0 read 3`, a stop like `T0 stops at SITE while T1 runs`",
        )
    actor, op_name = words[:2]
    lacks = []
    if actor not in ACTOR_NAMES:
        lacks += _unknown("the actor", actor, ACTOR_NAMES)
    elif not any(may_run(spec, ACTOR_NAMES.index(actor)) for spec in OPS):
        lacks.append(f"what {actor} does: no op is its own")
    if op_name not in BY_NAME:
        lacks += _unknown("the op", op_name, tuple(BY_NAME))
    return lacks
