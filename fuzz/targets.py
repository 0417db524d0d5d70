# SPDX-License-Identifier: MIT
"""What a search can aim at, read from the model's sources: functions, promises, and who is near.

Contract: `of_functions` and `of_oracle` give the sites of kernel functions, or of the functions
that tell one oracle what it judges; unknown names are refused with what may have been meant.
`near` says for the other sites how many calls lead from their function to one of these. All of it
is a function of the sources alone, and of no list of bugs.

Calls are resolved by name, and one that passes through a variable is not seen: distances guide a
search, and prove nothing.
"""

import ast
import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import simulator
from simulator.oracles import NAMES
from simulator.sites import BY_NAME

MAX_CALLS: Final = 4  # away; nearly everything is, farther off, and it says nothing
SUGGESTIONS: Final = 3
_VIOLATE: Final = "violate"
_WATCH: Final = "watch"
_WATCH_FILE: Final = "watch.py"
_ORACLES: Final = "oracles"
_ANY_OP: Final = "op"  # every op has its sites, so they are no aim
# Called from everywhere, about nothing in particular.
_EVERYWHERE: Final = frozenset(("step", "retry", "sometimes", "feature", "note", "fold"))


class UnknownTarget(ValueError):
    """There is no such function or oracle; the text names those that may have been meant."""


@dataclass(slots=True)
class _Def:
    """A function of the model: what it calls, by name; its sites; what it tells Watch; the
    oracles whose promise it finds broken."""

    calls: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    promises: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Code:
    """All functions of the model and those of its oracles, by name; of one name all together."""

    model: dict[str, _Def] = field(default_factory=dict)
    oracles: dict[str, _Def] = field(default_factory=dict)


def functions() -> list[str]:
    """The kernel functions that have sites."""
    return sorted({name.partition(":")[0] for name in BY_NAME} - {_ANY_OP})


def oracles() -> list[str]:
    """The promises that the model can find broken."""
    return sorted(NAMES)


def of_functions(names: Iterable[str]) -> list[str]:
    """The sites of kernel functions. Raises UnknownTarget."""
    wanted = set(names)
    known = functions()
    for name in sorted(wanted - set(known)):
        raise UnknownTarget(f"no function {name!r} has sites{_meant(name, known)}")
    return sorted(site for site in BY_NAME if site.partition(":")[0] in wanted)


def of_oracle(name: str) -> list[str]:
    """The sites of the functions that tell an oracle what it judges, or that judge it themselves;
    where one has no sites, those of its callers. Raises UnknownTarget."""
    known = oracles()
    if name not in known:
        raise UnknownTarget(f"no oracle is called {name!r}{_meant(name, known)}")
    code = _code()
    hearing = {each for each, found in code.oracles.items() if name in found.promises}
    hearing |= _callers(code.oracles, hearing)
    telling = {
        each
        for each, found in code.model.items()
        if name in found.promises or found.events & hearing
    }
    sites = {site for each in telling for site in code.model[each].sites}
    without = {each for each in telling if not code.model[each].sites}
    for each in without:
        sites |= _sites_above(code.model, each)
    return sorted(site for site in sites if site.partition(":")[0] != _ANY_OP)


@cache
def near(targets: tuple[str, ...]) -> dict[str, int]:
    """By site how many calls it is away from the targets: 0 for these, none farther off than
    MAX_CALLS."""
    model = _code().model
    wanted = set(targets)
    away = {name: 0 for name, found in model.items() if found.sites & wanted}
    callers = _reversed(model)
    open_ = deque(sorted(away))
    while open_:
        name = open_.popleft()
        if away[name] == MAX_CALLS:
            continue
        for caller in sorted(callers.get(name, ())):
            if caller not in away:
                away[caller] = away[name] + 1
                open_.append(caller)
    found = dict.fromkeys(targets, 0)
    for name, calls in away.items():
        for site in model[name].sites - wanted:
            found[site] = min(found.get(site, calls or 1), calls or 1)
    return found


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, SUGGESTIONS)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _reversed(defs: dict[str, _Def]) -> dict[str, set[str]]:
    callers: dict[str, set[str]] = {}
    for name, found in defs.items():
        for callee in found.calls:
            callers.setdefault(callee, set()).add(name)
    return callers


def _callers(defs: dict[str, _Def], names: set[str]) -> set[str]:
    """Everybody who comes to one of `names` by calls."""
    callers = _reversed(defs)
    found: set[str] = set()
    open_ = list(names)
    while open_:
        for caller in callers.get(open_.pop(), ()):
            if caller not in found:
                found.add(caller)
                open_.append(caller)
    return found


def _sites_above(defs: dict[str, _Def], name: str) -> set[str]:
    """The sites of the nearest callers that have any."""
    callers = _reversed(defs)
    level, seen = {name}, {name}
    while level:
        level = {caller for each in level for caller in callers.get(each, ())} - seen
        seen |= level
        sites = {site for each in level for site in defs[each].sites}
        if sites:
            return sites
    return set()


# --- the sources ----------------------------------------------------------------------------------


@cache
def _code() -> _Code:
    root = Path(simulator.__file__).parent
    names = {name.upper().replace(":", "__"): name for name in BY_NAME}
    code = _Code()
    for path in sorted(root.rglob("*.py")):
        below = path.relative_to(root).parts
        if below[0] == "build" or below == (_WATCH_FILE,):
            continue
        into = code.oracles if below[0] == _ORACLES else code.model
        for name, made in _defs(ast.parse(path.read_bytes()), names):
            found = into.setdefault(name, _Def())
            found.calls |= made.calls
            found.sites |= made.sites
            found.events |= made.events
            found.promises |= made.promises
    return code


def _defs(tree: ast.Module, names: dict[str, str]) -> Iterator[tuple[str, _Def]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        made = _Def()
        for each in ast.walk(node):
            constant = ""
            if isinstance(each, ast.Name):
                constant = each.id
            elif isinstance(each, ast.Attribute):
                constant = each.attr
            if constant in names:
                made.sites.add(names[constant])
            if isinstance(each, ast.Call):
                _call(each, made)
        yield node.name, made


def _call(call: ast.Call, made: _Def) -> None:
    function = call.func
    if isinstance(function, ast.Name):
        made.calls.add(function.id)
    elif isinstance(function, ast.Attribute):
        of = function.value
        if isinstance(of, ast.Attribute) and of.attr == _WATCH:
            made.events.add(function.attr)
        elif function.attr == _VIOLATE:
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                made.promises.add(first.value)
        elif function.attr not in _EVERYWHERE:
            made.calls.add(function.attr)
