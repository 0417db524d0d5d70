# SPDX-License-Identifier: MIT
"""Replay of a whole log in the model, and comparison with what the real kernel answered.

Contract: every step is replayed, and compared in exactly one run. A tree of processes that
forked from each other is one run; where it has more processes than the model has actors, it
becomes several runs that share their ancestors, each process being compared in the first.
Success and errno are compared for every call, returned addresses after mapping; signals for
the touches that the log shows. What depends on touches that no log shows is not compared but
counted. A difference that an earlier call explains which the model does not have
(`corpus.recording.differences`) is explained, everything else is a disagreement.

Not promised: that an agreement is no luck after a disagreement in the same process.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from corpus.recording import steps as st
from corpus.recording.differences import why_different
from corpus.recording.scenes import Scene, as_steps, scene
from corpus.recording.steps import Step
from corpus.recording.translate import Translation
from corpus.verify import Runs
from simulator import ops
from simulator.outcome import SIGBUS, SIGSEGV, Outcome, result_name
from simulator.scenario import NR_USER_ACTORS, Config

PMD_ORDER: Final = 9  # x86-64's, so that the model's constants are Linux's
SPARE_FRAMES: Final = 1024  # for page tables, copies, and what the log's signals touch
MAX_MODEL_STEPS: Final = 100_000_000  # a log is no loop: only a hanging model takes that many
# Bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst); the model's results are
# entries without the frame number, shifted down (simulator.fs.proc).
PM_PRESENT: Final = 1 << 63
PM_SWAP: Final = 1 << 62
PM_GUARD_REGION: Final = 1 << 58
PM_SHIFT: Final = 55

TOUCHES: Final = "depends on touches, which the log does not show"
TOO_DEEP: Final = f"more generations of forks than the model's {NR_USER_ACTORS} actors"


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer of the model that is not the real kernel's. `reason` is empty for a
    disagreement."""

    line: int
    call: str
    log: str
    model: str
    op: str
    reason: str = ""


@dataclass(slots=True)
class Checked:
    """What the comparison of one log says."""

    compared: int = 0
    agreed: int = 0
    touches_compared: int = 0
    runs: int = 0
    disagreements: list[Difference] = field(default_factory=list)
    explained: list[Difference] = field(default_factory=list)
    not_compared: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Spaces that run together, ancestors first, and those of them that are compared."""

    members: list[int]
    compared: set[int]


def check(translation: Translation, machine: Runs) -> Checked:
    """Replay a log and compare."""
    checked = Checked()
    replayed: set[int] = set()
    for group in groups(translation):
        replayed |= group.compared
        played = build(translation, group)
        outcome = machine.run(played.scenario)
        checked.runs += 1
        if outcome.violation:
            checked.violations.append(f"{outcome.violation.signature}: "
                                      f"{outcome.violation.promise}")
        _compare(translation, group, played, outcome, checked)
    for step in translation.steps:
        if step.answer and _owner(step) not in replayed:
            checked.not_compared[TOO_DEEP] += 1
    return checked


def _owner(step: Step) -> int:
    """The space whose comparison a step belongs to: a fork belongs to the child."""
    return step.args[0] if step.code == ops.OP_FORK else step.space


def groups(translation: Translation) -> Iterator[Group]:
    """The runs of a log: trees of processes, cut where actors or memory files run out."""
    spaces = translation.spaces
    busy = {step.space for step in translation.steps if step.code != ops.OP_EXIT}
    memory_files: dict[int, set[int]] = {}
    for step in translation.steps:
        if step.code == ops.OP_MEMFD:
            memory_files.setdefault(step.space, set()).add(step.args[0])
    current: dict[int, Group] = {}  # by root
    for space in spaces:
        line_up = [space.ident]
        parent = space.parent
        while parent is not None:
            line_up.insert(0, parent)
            parent = spaces[parent].parent
        if space.ident not in busy and space.parent is None or len(line_up) > NR_USER_ACTORS:
            continue
        root = line_up[0]
        group = current.get(root)
        if group:
            together = list(dict.fromkeys([*group.members, *line_up]))
            files = set().union(*(memory_files.get(member, set()) for member in together))
            if len(together) <= NR_USER_ACTORS and len(files) <= ops.NR_FILES:
                group.members = together
                group.compared.add(space.ident)
                continue
            yield group
        current[root] = Group(line_up, {space.ident})
    yield from current.values()


def build(translation: Translation, group: Group) -> Scene:
    """The scenario of a group."""
    root = group.members[0]
    files = translation.files
    chosen = as_steps(translation.initial.get(root, []), files, root, 0)
    for step in translation.steps:
        if step.space not in group.members:
            continue
        if step.code == ops.OP_FORK and step.args[0] not in group.members:
            continue
        chosen.append(step)
    config = Config(pmd_order=PMD_ORDER, frames=SPARE_FRAMES, steps=MAX_MODEL_STEPS)
    actors = [(member, 0) for member in group.members]
    return scene(chosen, files, actors, config, pin_chosen=True)


def _compare(
    translation: Translation, group: Group, played: Scene, outcome: Outcome, checked: Checked,
) -> None:
    calls: dict[tuple[int, str], list[Difference | None]] = {}
    for index, step in enumerate(played.steps):
        if _owner(step) not in group.compared or step.answer is None:
            continue
        result = outcome.results[index]
        agrees, why_not = _agrees(step, result, played)
        if why_not:
            checked.not_compared[why_not] += 1
            continue
        checked.touches_compared += step.code in (ops.OP_READ, ops.OP_WRITE)
        difference = None
        if not agrees:
            op = ops.BY_NUMBER[step.code].name
            difference = Difference(step.line, step.call, str(step.answer),
                                    _model_says(step, result), op)
            difference = replace(difference, reason=_reason(translation, step))
        calls.setdefault((step.line, step.call), []).append(difference)
    for differences in calls.values():
        checked.compared += 1
        found = [difference for difference in differences if difference]
        if not found:
            checked.agreed += 1
        elif all(difference.reason for difference in found):
            checked.explained.append(found[0])
        else:
            checked.disagreements.append(next(d for d in found if not d.reason))


def _agrees(step: Step, result: int, played: Scene) -> tuple[bool, str]:
    """Whether the model's result is the log's answer, or why that cannot be said."""
    answer = step.answer
    assert answer is not None
    if step.why_not_compared:
        return False, step.why_not_compared
    match answer.kind:
        case st.OK:
            return result >= 0, ""
        case st.PAGE:
            return result == played.compaction.page(answer.value), ""
        case st.ERRNO:
            return result < 0 and result_name(result) == answer.name, ""
        case st.SIGNAL:
            return result == {"SIGSEGV": SIGSEGV, "SIGBUS": SIGBUS}[answer.name], ""
    return _same_entry(answer.value, result << PM_SHIFT) if result >= 0 else (False, "")


def _model_says(step: Step, result: int) -> str:
    assert step.answer is not None
    if result < 0:
        return str(result_name(result))
    if step.answer.kind == st.ENTRY:
        return f"{result << PM_SHIFT:#x}"
    return "another address" if step.answer.kind == st.PAGE else st.OK


def _same_entry(log: int, model: int) -> tuple[bool, str]:
    """Two pagemap entries. No touch makes or removes a guard page, and a page that the model
    has must be there; one that it has not may have been touched. Soft-dirty bits depend on
    touches, and not every kernel has them."""
    if (log | model) & PM_GUARD_REGION:
        return log & model & PM_GUARD_REGION != 0, ""
    there, expected = bool(log & (PM_PRESENT | PM_SWAP)), bool(model & PM_PRESENT)
    if there and not expected:
        return False, TOUCHES
    return there == expected, ""


def _reason(translation: Translation, step: Step) -> str:
    """Why a difference at this step was to be expected, or nothing."""
    spaces = translation.spaces
    line_up = {step.space}
    parent = spaces[step.space].parent
    while parent is not None:
        line_up.add(parent)
        parent = spaces[parent].parent
    start, end = (step.args[0] // 4, step.args[0] // 4 + 1) if len(step.args) == 1 else \
        (step.args[0], step.args[1])
    for change in translation.unmodelled:
        if change.line < step.line and change.space in line_up:
            why = why_different(change.name, step.code)
            if why and change.start < end and start < change.end:
                return f"after {change.name} of line {change.line}, which the model does not " \
                       f"have: {why}"
    return ""
