# SPDX-License-Identifier: MIT
"""What a kernel selftest of a scenario must assert: the model's answers.

Contract: `selftest` runs a scenario on the model of the kernel whose tree it is for, on the
machine that `comparable` makes of its config, and gives what `corpus.kselftest` renders; or it
raises NotExported with the reason. What needs something that a kernel of that version may lack
is exported, for the selftest itself skips then.

Directives inside of ops make a stress test if several actors race; a single actor's ops go the
same way without them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from conformance import userland
from conformance.features import FEATURES, config_needs, op_needs, refused
from conformance.model import Broken, ModelKernel, comparable
from conformance.observation import FILE, MAPPED_ONCE, PRESENT, SWAP, Checkpoint, Observed, Region
from conformance.order import order
from corpus.kselftest.actors import Cast
from corpus.kselftest.plan import Mapping, Selftest, State
from corpus.kselftest.source import ALWAYS, PROBES
from simulator import ops, tables
from simulator.outcome import UNFINISHED
from simulator.run import Machine
from simulator.scenario import Op, Scenario

# What a selftest has no way to ask for, and what only the comparison with a kernel needs.
_NOT_ASKED: Final = (
    "pagemap-guard",
    "pagemap-scan",
    "pagemap-scan-soft-dirty",
    "pagemap-scan-guard",
    "pagemap-scan-empty",
    "thp",
    "swap",
    "numa",
    "device-private",
    "gup_test",
    "procmap-query",
    "kill",
)
_FEATURES: Final = list(FEATURES)
tables.complete(
    "PROBES and ALWAYS of corpus.kselftest.source, _NOT_ASKED of conformance.selftest",
    "feature",
    _FEATURES,
    [_FEATURES.index(name) for name in (*PROBES, *ALWAYS, *_NOT_ASKED)],
)


class NotExported(Exception):
    """User space cannot do this scenario; the message says why."""


def selftest(name: str, scenario: Scenario, kernel: str) -> Selftest:
    """The selftest of a scenario, whose file is called `name`, for that version of the kernel.
    Raises NotExported."""
    reason = userland.why_not(scenario) if scenario.ops else "it has no ops"
    if reason:
        raise NotExported(reason)
    needs = _needs(scenario, kernel)
    tested = comparable(scenario, kernel)
    inside = userland.inside(tested)
    first = _first_raced(tested) if inside else len(tested.ops)
    racing = len({op.actor for op in tested.ops[first:]}) > 1
    if inside:
        tested = tested.with_directives(())
    try:
        observed = ModelKernel().run(tested, every_op=False)
        if "mremap-several" not in needs and _moves_several(tested):
            needs.append("mremap-several")
    except Broken as broken:
        raise NotExported(f"the model finds it broken: {broken}") from broken
    if UNFINISHED in observed.results:
        raise NotExported("not all of its ops come to an end")
    headers = replace(tested, headers=scenario.headers)
    if racing:
        shown = replace(headers, directives=tuple(scenario.directives))
        return Selftest(name, shown, (), observed.results, (), tuple(needs), first)
    done = order(tested, Machine())
    return Selftest(name, headers, done, observed.results, _states(observed), tuple(needs))


def _needs(scenario: Scenario, kernel: str) -> list[str]:
    """What a kernel must have, as far as one may lack it: not what that version refuses, as the
    model does. Raises NotExported for what no selftest can ask for."""
    words = dict(scenario.headers).get("requires", "").split()
    words += config_needs(scenario.config)
    words += [name for op in scenario.ops for name in op_needs(op)]
    for name in words:
        if name not in PROBES and name not in ALWAYS:
            raise NotExported(f"requires {name}, which a selftest cannot ask for")
    return [name for name in dict.fromkeys(words) if name in PROBES and not refused(name, kernel)]


def _first_raced(scenario: Scenario) -> int:
    """The first op with a directive: what stands before it is done in turn."""
    directed = {d.uid for d in scenario.directives}
    return next(i for i, op in enumerate(scenario.ops) if op.uid in directed)


def _moves_several(scenario: Scenario) -> bool:
    """Whether an mremap() that succeeds moves more than one mapping."""
    if not any(op.code == ops.OP_MREMAP for op in scenario.ops):
        return False
    observed = ModelKernel().run(scenario, every_op=True)
    results = dict(zip((op.uid for op in scenario.ops), observed.results, strict=True))
    by_uid = {op.uid: op for op in scenario.ops}
    cast = Cast.of(scenario.ops)
    regions: dict[int, Sequence[Region]] = {}
    for checkpoint in observed.checkpoints:
        op = by_uid[checkpoint.uid]
        process = cast.process(op.actor)
        if op.code == ops.OP_FORK:
            regions[op.args[0]] = checkpoint.regions
        elif op.code == ops.OP_MREMAP and results[op.uid] >= 0:
            if _overlapping(regions.get(process, ()), op) > 1:
                return True
        regions[process] = checkpoint.regions
    return False


def _overlapping(regions: Sequence[Region], op: Op) -> int:
    return sum(1 for r in regions if r.start < op.args[1] and op.args[0] < r.end)


# --- the end -----------------------------------------------------------------------------------


def _states(observed: Observed) -> tuple[State, ...]:
    return tuple(
        State(c.actor, tuple(_mapping(c, r) for r in c.regions)) for c in observed.checkpoints
    )


def _mapping(checkpoint: Checkpoint, region: Region) -> Mapping:
    mode = "".join(
        letter if region.prot >> bit & 1 else "-" for bit, letter in enumerate("rwx")
    ) + ("s" if region.shared else "p")
    pages = "".join(_letter(bits) for bits in checkpoint.pages[region.start : region.end])
    file = region.backing - 1 if region.backing > 0 else -1
    return Mapping(region.start, region.end, mode, file, region.offset, pages)


def _letter(bits: int) -> str:
    """As page_letter() in mmfarm_selftest.h."""
    if bits & PRESENT:
        letter = "F" if bits & FILE else "A"
        return letter if bits & MAPPED_ONCE else letter.lower()
    return "s" if bits & SWAP else " "
