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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

from corpus import headers
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.scenes import as_steps, scene
from corpus.recording.steps import CHANGES_LAYOUT, Step, apply
from corpus.recording.translate import Segment
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
_RESIZED: Final = "a memory file of the window gets another size"


@dataclass(slots=True)
class _Window:
    """A window while it grows. `before` is the layout of its first process at its start, `sizes`
    are the memory files that are there then."""

    before: Layout
    sizes: dict[int, int]
    members: set[int]
    actors: list[tuple[int, int]]  # (space, thread)
    steps: list[Step] = field(default_factory=list)
    carried: set[Region] = field(default_factory=set)
    files: set[int] = field(default_factory=set)  # memory files that it names
    made: set[int] = field(default_factory=set)  # and makes itself, userfaultfds too
    uffds: set[int] = field(default_factory=set)  # userfaultfds that it names
    looks: int = 0


class Cutter:
    """Cuts segment after segment of a log. `name` is the log's and `kind` what wrote it, for titles
    and origin. `left_out` counts the steps that are in no window; the same window is never cut
    twice."""

    def __init__(self, name: str, kind: str) -> None:
        self.left_out: Counter[str] = Counter()
        self._name = name
        self._kind = kind
        self._seen: set[int] = set()  # hashes: a log may have more windows than memory should hold

    def cut(self, segment: Segment) -> Iterator[Scenario]:
        """The windows of a segment."""
        steps = segment.steps
        covered = [False] * len(steps)
        last = {step.space: at for at, step in enumerate(steps)}
        layouts = {space: layout.copy() for space, layout in segment.before.items()}
        sizes = dict(segment.sizes)
        at_end = sizes | {step.file: step.resized for step in steps if step.resized is not None}
        done = 0
        for first in range(len(steps)):
            if covered[first]:
                continue
            for step in steps[done:first]:
                _pass(step, layouts, sizes)
            done = first
            space = steps[first].space
            window = _Window(layouts[space].copy(), at_end | sizes, {space}, [(space, 0)])
            end = last[space]
            at = first
            while at <= end:
                step = steps[at]
                if not covered[at] and step.space in window.members:
                    verdict = _add(window, step)
                    if verdict == "full" and at != first:
                        break
                    covered[at] = True
                    if verdict:
                        self.left_out[verdict] += 1
                    elif step.code == ops.OP_FORK:
                        end = max(end, last.get(step.args[0], -1))
                at += 1
            made = self._finish(window, segment.uffds)
            if made:
                yield made

    def _finish(self, window: _Window, features: dict[int, int]) -> Scenario | None:
        """The window as a scenario, if it is worth one. `features` are those of userfaultfds."""
        steps = window.steps
        if all(_dull(step) for step in steps):
            self.left_out["no op of its own in the window"] += len(steps)
            return None
        regions = sorted(window.carried, key=attrgetter("start"))
        before = [step.file for step in steps if step.file != ANON and step.file not in window.made]
        uffds = [step.uffd for step in steps if step.uffd != ANON and step.uffd not in window.made]
        space = window.actors[0][0]
        line = steps[0].line
        lead = as_steps(regions, window.sizes, space, line, before, features, uffds)
        config = Config(pmd_order=PMD_ORDER)
        made = scene(
            [*lead, *steps], window.sizes, window.actors, config, pin_chosen=False
        ).scenario
        if (made.config.pages or 0) > MAX_ARENA_PAGES or made.config.frames > MAX_FRAMES:
            self.left_out["its addresses or pages are more than fuzzing holds"] += len(steps)
            return None
        seen = hash(made)
        if seen in self._seen:
            self.left_out["the same as in another window"] += len(steps)
            return None
        self._seen.add(seen)
        title = f"{self._name}, lines {steps[0].line} to {steps[-1].line}"
        named = (
            ("title", title),
            ("expect", headers.CLEAN),
            ("origin", f"{self._kind}:{self._name}"),
        )
        return replace(made, headers=named)


def _pass(step: Step, layouts: dict[int, Layout], sizes: dict[int, int]) -> None:
    """What a step leaves behind for windows that begin later."""
    if step.resized is not None:
        sizes[step.file] = step.resized
    elif not step.refused and step.code in CHANGES_LAYOUT:
        apply(layouts[step.space], step)


def _add(window: _Window, step: Step) -> str:
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
    new = [each for each in named if each not in window.actors]
    if len(window.actors) + len(new) > NR_USER_ACTORS:
        return "full"
    makes = step.code == ops.OP_MEMFD
    if makes and (step.args[0] in window.made or step.args[0] in window.files):
        _resize(window, step)
        return _RESIZED
    bordering = [
        region for region in _bordering(window.before, step) if region not in window.carried
    ]
    files = {region.file for region in bordering if region.file in window.sizes}
    if step.file in window.sizes:
        files.add(step.file)
    files |= window.files
    uffds = {each.uffd for each in bordering if each.uffd != ANON} | window.uffds
    if step.uffd != ANON:
        uffds.add(step.uffd)
    opens = step.code == ops.OP_USERFAULTFD
    made = len(window.made) + makes + opens
    lead = len(files) + len(uffds) - made
    lead += sum(each.uffd != ANON for each in (*window.carried, *bordering))
    if len(window.steps) + 1 + len(window.carried) + len(set(bordering)) + lead > MAX_FUZZ_OPS:
        if window.steps:
            return "full"
        return "names more mappings than a window holds"
    if (len(files) > ops.NR_FILES or len(uffds) > ops.NR_UFFDS) and window.steps:
        return "full"
    window.carried.update(bordering)
    window.files = files
    window.uffds = uffds
    if makes or opens:
        window.made.add(step.args[0])
    window.steps.append(step)
    window.actors += new
    if step.code == ops.OP_FORK:
        window.members.add(step.args[0])
    return ""


def _resize(window: _Window, step: Step) -> None:
    """A memory file that nothing has named since it was made has the later size from the start."""
    named = [at for at, each in enumerate(window.steps) if each.file == step.file]
    if len(named) == 1 and window.steps[named[0]].code == ops.OP_MEMFD:
        window.steps[named[0]] = window.steps[named[0]]._replace(args=step.args)


def _bordering(layout: Layout, step: Step) -> list[Region]:
    """Regions that the step touches or borders on."""
    found: list[Region] = []
    for start, end in step.places():
        found += layout.near(start, end)
    return found


def _dull(step: Step) -> bool:
    touched = step.code in _TOUCHES and (step.answer is None or step.answer.good)
    return touched or step.code in _DULL
