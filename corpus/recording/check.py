# SPDX-License-Identifier: MIT
"""Replay of a log in the model, segment by segment, and comparison with what the real kernel
answered.

Contract: of every segment each address space is replayed alone, from the mappings that it had when
the segment began (a forked child: from those of its fork). Success and errno are compared for every
call, returned addresses after mapping; signals for the touches that the log shows. What depends on
touches that no log shows is not compared but counted. A difference that has an excuse
(`corpus.recording.causes`) is explained, everything else is a disagreement. Behind a difference the
replay goes on from what the log says, so one wrong answer makes no followers.

Not promised: forks as ops: a child begins with what its parent had mapped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from corpus.recording import steps as st
from corpus.recording.differences import Difference
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.scenes import Scene, as_steps, scene
from corpus.recording.steps import Step
from corpus.recording.translate import Segment
from corpus.verify import Runs
from simulator import ops
from simulator.outcome import SIGBUS, SIGSEGV, result_name
from simulator.scenario import Config
from simulator.validate import MAX_FRAMES, MAX_PAGES

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
TOO_LARGE: Final = "touches more memory at once than the model's machine has"
AFTER_MANY: Final = "comes after too many disagreements in one process"
# Each difference costs a replay of what follows, so a log that is all wrong must not go on.
_MAX_DIFFERENCES: Final = 64  # of a space in a segment


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

    def differs(self, difference: Difference) -> None:
        (self.explained if difference.reason else self.disagreements).append(difference)


@dataclass(slots=True)
class _Space:
    """A space while its steps are replayed: what is mapped by now, memory files by their pages,
    and userfaultfds by their features."""

    layout: Layout
    sizes: dict[int, int]
    uffds: dict[int, int]
    differences: int = 0


class Checker:
    """Checks segment after segment; `checked` says what came of it."""

    def __init__(self, machine: Runs) -> None:
        self.checked = Checked()
        self._machine = machine
        self._last_call = (0, "")

    def segment(self, segment: Segment) -> None:
        """Replay each space of a segment, and compare."""
        of_spaces: dict[int, list[Step]] = {}
        sizes = dict(segment.sizes)
        for step in segment.steps:
            if step.refused:
                self._refused(step)
            elif step.code not in (ops.OP_EXIT, ops.OP_FORK):
                of_spaces.setdefault(step.space, []).append(step)
            if step.code == ops.OP_MEMFD:  # of whichever process made it first
                sizes.setdefault(step.args[0], step.args[1])
        for ident, steps in of_spaces.items():
            if any(step.answer for step in steps):
                space = _Space(segment.before[ident].copy(), dict(sizes), segment.uffds)
                self._replay(steps, space)

    def _refused(self, step: Step) -> None:
        """The real kernel refused this for a reason that the model does not have."""
        if self._counts(step):
            self.checked.differs(
                Difference(
                    step.line,
                    step.call,
                    str(step.answer),
                    "not asked",
                    ops.BY_NUMBER[step.code].name,
                    step.excuse,
                )
            )

    def _counts(self, step: Step) -> bool:
        """Whether this is the first step of its call that is compared."""
        call = (step.line, step.call)
        if call == self._last_call:
            return False
        self._last_call = call
        self.checked.compared += 1
        return True

    def _replay(self, steps: list[Step], space: _Space) -> None:
        at = 0
        while at < len(steps):
            if space.differences > _MAX_DIFFERENCES:
                self.checked.not_compared[AFTER_MANY] += len(steps) - at
                return
            if _resizes(steps[at], space):
                at += 1
                continue
            played, count = _build(steps[at:], space)
            done = count if played is None else self._compare(played, steps[at : at + count])
            if played is None:
                self.checked.not_compared[TOO_LARGE] += 1
            elif done < count:
                space.differences += 1
            for step in steps[at : at + done]:
                st.apply(space.layout, step)
                if step.resized is not None:
                    space.sizes[step.file] = step.resized
            at += done

    def _compare(self, played: Scene, steps: Sequence[Step]) -> int:
        """Compare a run up to its first difference; how many of `steps` that are."""
        outcome = self._machine.run(played.scenario)
        checked = self.checked
        checked.runs += 1
        if outcome.violation:
            checked.violations.append(f"{outcome.violation.signature}: {outcome.violation.promise}")
        at = sum(step.line == 0 for step in played.steps)  # what was mapped before
        for done, step in enumerate(steps, 1):
            if at == len(played.steps) or played.steps[at] is not step:
                continue  # of a memory file that is one too many
            result = outcome.results[at]
            at += 1
            if step.answer is None:
                continue
            agrees, why_not = (False, "") if step.right else _agrees(step, result, played)
            if why_not:
                checked.not_compared[why_not] += 1
                continue
            checked.touches_compared += step.code in (ops.OP_READ, ops.OP_WRITE)
            first = self._counts(step)
            checked.agreed += first and agrees
            if agrees:
                continue
            checked.agreed -= not first
            model = step.right or _model_says(step, result)
            checked.differs(
                Difference(
                    step.line,
                    step.call,
                    str(step.answer),
                    model,
                    ops.BY_NUMBER[step.code].name,
                    step.excuse,
                )
            )
            # The other steps of this call are not compared any more.
            while done < len(steps) and self._last_call == (steps[done].line, steps[done].call):
                done += 1
            return done
        return len(steps)


def _resizes(step: Step, space: _Space) -> bool:
    """Whether it gives another size to a memory file that is mapped: the next run makes the file
    with that size to begin with."""
    if step.code != ops.OP_MEMFD or all(r.file != step.args[0] for r in space.layout.regions):
        return False
    space.sizes[step.args[0]] = step.args[1]
    return True


def _build(steps: list[Step], space: _Space) -> tuple[Scene | None, int]:
    """The scenario of as many of the steps as fit the model's machine, and how many these are."""
    count = _alike(steps, space.sizes)
    while True:
        made = _scene(steps[:count], space)
        config = made.scenario.config
        if (config.pages or 0) <= MAX_PAGES and config.frames <= MAX_FRAMES:
            return made, count
        if count == 1:
            return None, 1
        count //= 2


def _alike(steps: list[Step], sizes: dict[int, int]) -> int:
    """How many steps there are until a memory file gets another size, or one too many is named."""
    named: set[int] = set()
    made: set[int] = set()
    uffds: set[int] = set()
    for at, step in enumerate(steps):
        file = step.file
        if step.uffd != ANON:
            uffds.add(step.uffd)
            if len(uffds) > ops.NR_UFFDS and at:
                return at
        if file in sizes:
            if step.code == ops.OP_MEMFD and at and (file in made or file in named):
                return at
            if step.code == ops.OP_MEMFD:
                made.add(file)
            named.add(file)
            if len(named) > ops.NR_FILES and at:
                return at
    return len(steps)


def _scene(steps: list[Step], space: _Space) -> Scene:
    carried: dict[int, Region] = {}
    for step in steps:
        for start, end in step.places():
            for region in space.layout.near(start, end):
                carried[region.start] = region
    regions = [carried[start] for start in sorted(carried)]
    made = {step.args[0] for step in steps if step.code == ops.OP_MEMFD}
    named = [step.file for step in steps if step.file in space.sizes]
    # Files that the steps name come first: of more than the model has these are the ones it needs.
    before = [file for file in dict.fromkeys(named) if file not in made]
    opened = {step.args[0] for step in steps if step.code == ops.OP_USERFAULTFD}
    uffds = [step.uffd for step in steps if step.uffd != ANON and step.uffd not in opened]
    ident = steps[0].space
    lead = as_steps(
        regions,
        {file: pages for file, pages in space.sizes.items() if file not in made},
        ident,
        0,
        before,
        space.uffds,
        uffds,
    )
    lead += _kept(regions, space.layout, ident)
    config = Config(pmd_order=PMD_ORDER, frames=SPARE_FRAMES, steps=MAX_MODEL_STEPS)
    return scene([*lead, *steps], space.sizes, [(ident, 0)], config, pin_chosen=True)


def _kept(regions: Iterable[Region], layout: Layout, ident: int) -> list[Step]:
    """What else was done to these mappings: guards, and advice that they keep."""
    steps: list[Step] = []
    for region in regions:
        advice = [(region.start, region.end, each) for each in st.kept_advice(region.advice)]
        guards = layout.guards.within(region.start, region.end) if layout.guards else ()
        advice += [(*guard, ops.MADV_GUARD_INSTALL) for guard in guards]
        steps += [Step(0, ident, ops.OP_MADVISE, each, "advised before", None) for each in advice]
    return steps


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
