# SPDX-License-Identifier: MIT
"""A log cut into scenarios that fuzzing can hold.

Contract: every step of the log is in exactly one window, or counted as left out with the
reason. A window follows one process from some point on, with the children it forks there, and
is self-contained: what its ops touch or border on is mapped first, with protection, sharing
and backing as they were at that point (their contents, guard pages and advice are not carried
over). Windows are small machines (`PMD_ORDER`), keep the fuzz limits, and expect no violation.

Not promised: that an op of a window has the same result as in the log; `check` compares.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from corpus import headers
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.scenes import as_steps, is_memfd, scene
from corpus.recording.steps import CHANGES_LAYOUT, FILE_WORD, Step, apply
from corpus.recording.translate import Translation
from simulator import ops
from simulator.scenario import MAX_FUZZ_OPS, NR_USER_ACTORS, Config, Scenario

PMD_ORDER: Final = 3  # the smallest: fuzzing wants pages to meet
MAX_ARENA_PAGES: Final = 16_383  # of a fuzzed scenario (fuzz.codec: WORD slots of two bytes)
MAX_FRAMES: Final = 512  # memory is small in fuzzing
# Selftests look at page after page; more looks of one kind in a row tell a fuzzer nothing new.
_MAX_LOOKS: Final = 4
_LOOKS: Final = (ops.OP_READ, ops.OP_WRITE, ops.OP_PAGEMAP)
# Ops that make no window worth having: one of exits alone is none, nor one of touches that
# all may.
_DULL: Final = (ops.OP_EXIT, ops.OP_FORK, ops.OP_PAGEMAP)
_TOUCHES: Final = (ops.OP_READ, ops.OP_WRITE)


@dataclass(slots=True)
class Windows:
    """The scenarios of a log, the same one never twice, and how many steps are in none."""

    scenarios: list[Scenario] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Window:
    """A window while it grows. `before` is the layout of its first process at its start."""

    before: Layout
    members: list[int]
    actors: list[tuple[int, int]]  # (space, thread)
    steps: list[Step] = field(default_factory=list)
    carried: set[Region] = field(default_factory=set)
    looks: int = 0


def cut(translation: Translation, name: str, kind: str) -> Windows:
    """The windows of a log. `name` is the log's and `kind` what wrote it, for titles and origin."""
    out = Windows()
    seen: set[Scenario] = set()
    steps = translation.steps
    before = _layouts_before(translation)
    covered = [False] * len(steps)
    last = {step.space: at for at, step in enumerate(steps)}
    for first in range(len(steps)):
        if covered[first]:
            continue
        space = steps[first].space
        window = _Window(before[first], [space], [(space, 0)])
        for at in range(first, len(steps)):
            if at > max(last.get(member, -1) for member in window.members):
                break
            if covered[at] or steps[at].space not in window.members:
                continue
            verdict = _add(window, steps[at], translation)
            if verdict == "full" and at != first:
                break
            covered[at] = True
            if verdict:
                out.left_out[verdict] += 1
        _finish(window, translation, name, kind, out, seen)
    return out


def _layouts_before(translation: Translation) -> list[Layout]:
    """The layout of each step's space just before it; most are shared, none may be changed."""
    layouts: dict[int, Layout] = {}
    for space in translation.spaces:
        if space.parent is None:
            layouts[space.ident] = Layout()
            for region in translation.initial.get(space.ident, []):
                layouts[space.ident].map(region)
    found: list[Layout] = []
    for step in translation.steps:
        found.append(layouts[step.space])
        if step.code in CHANGES_LAYOUT:
            layouts[step.space] = layouts[step.space].copy()
            apply(layouts[step.space], step, translation.files)
        if step.code == ops.OP_FORK:
            layouts[step.args[0]] = layouts[step.space]
    return found


def _add(window: _Window, step: Step, translation: Translation) -> str:
    """Take a step into a window. Says `full`, or why it is left out, or nothing."""
    if step.code in _LOOKS and window.steps and window.steps[-1].code == step.code:
        window.looks += 1
        if window.looks >= _MAX_LOOKS:
            return "one more look at a page after many"
    else:
        window.looks = 0
    named = [(step.space, step.thread)]
    if step.code == ops.OP_FORK:
        named.append((step.args[0], 0))
    actors = list(dict.fromkeys([*window.actors, *named]))
    if len(actors) > NR_USER_ACTORS:
        return "full"
    carried = window.carried | set(_bordering(window.before, step))
    files = {region.file for region in carried if is_memfd(region.file, translation.files)}
    made = {each.args[0] for each in (*window.steps, step) if each.code == ops.OP_MEMFD}
    mapped = {each.file for each in (*window.steps, step) if is_memfd(each.file, translation.files)}
    lead = len(files | (mapped - made))
    if len(window.steps) + 1 + len(carried) + lead > MAX_FUZZ_OPS:
        if window.steps:
            return "full"
        return "names more mappings than a window holds"
    if len(files | made | mapped) > ops.NR_FILES and window.steps:
        return "full"
    window.carried = carried
    window.steps.append(step)
    window.actors = actors
    if step.code == ops.OP_FORK:
        window.members.append(step.args[0])
    return ""


def _bordering(layout: Layout, step: Step) -> list[Region]:
    """Regions that the step touches or borders on."""
    found: list[Region] = []
    at = 0
    for arg in ops.BY_NUMBER[step.code].args:
        start = step.args[at]
        if arg.kind in (ops.RANGE, ops.DEST):
            found += _near(layout, start, step.args[at + 1])
        elif arg.kind == ops.PAGE and step.code not in FILE_WORD:
            found += _near(layout, start, start + 1)
        elif arg.kind == ops.WORD:
            found += _near(layout, start // 4, start // 4 + 1)
        at += ops.SLOTS[arg.kind]
    return found


def _near(layout: Layout, start: int, end: int) -> list[Region]:
    return [region for region in layout.regions
            if region.start <= end and start <= region.end]


def _dull(step: Step) -> bool:
    touched = step.code in _TOUCHES and (step.answer is None or step.answer.good)
    return touched or step.code in _DULL


def _finish(
    window: _Window, translation: Translation, name: str, kind: str, out: Windows,
    seen: set[Scenario],
) -> None:
    """The window as a scenario, if it is worth one."""
    steps = window.steps
    if all(_dull(step) for step in steps):
        out.left_out["no op of its own in the window"] += len(steps)
        return
    files = translation.files
    regions = sorted(window.carried, key=lambda region: region.start)
    made_here = {step.args[0] for step in steps if step.code == ops.OP_MEMFD}
    before = [step.file for step in steps if step.file != ANON and step.file not in made_here]
    lead = as_steps(regions, files, window.members[0], steps[0].line, before)
    config = Config(pmd_order=PMD_ORDER)
    made = scene([*lead, *steps], files, window.actors, config, pin_chosen=False).scenario
    if (made.config.pages or 0) > MAX_ARENA_PAGES or made.config.frames > MAX_FRAMES:
        out.left_out["its addresses or pages are more than fuzzing holds"] += len(steps)
        return
    if made in seen:
        out.left_out["the same as in another window"] += len(steps)
        return
    seen.add(made)
    title = f"{name}, lines {steps[0].line} to {steps[-1].line}"
    named = (("title", title), ("expect", headers.CLEAN), ("origin", f"{kind}:{name}"))
    out.scenarios.append(replace(made, headers=named))

