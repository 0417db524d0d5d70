# SPDX-License-Identifier: MIT
"""Calls of a log as ops on real page numbers, each with the answer the real kernel gave.

Contract: every mm call of the log is either taken, as one step or several, or listed with a
reason; the two add up. What the op table has (advices, kinds of ops) is taken from the table by
name. Calls that the model cannot make but whose effect on the layout is plain (shmat, a locked
mapping) leave a stand-in step, which no answer belongs to. Where the rules of a listed call say
what it may answer, that is compared here. Page faults, and signals for failed touches, become
reads and writes (`corpus.recording.touches`).

The steps come in segments, one after the other, so that a recording of any length takes as much
memory as a short one: what was mapped when a segment began stands in it.

Kernel-chosen addresses are pinned: the step names the address from the result. Mappings that
must have been there before the log began are inferred from calls that succeed on them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from corpus.recording import calls, file_calls, touches
from corpus.recording.arguments import WORD_SIZE, Listed, State
from corpus.recording.causes import Causes
from corpus.recording.differences import Difference
from corpus.recording.events import Call, Fault, Signal, Touch, Untaken
from corpus.recording.follow import (
    RULES,
    UNKNOWN,
    Ended,
    File,
    Followed,
    Following,
    Forked,
    Placed,
    Space,
)
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.order import Arranged
from corpus.recording.places import Places, Tally
from corpus.recording.steps import ERRNO, Answer, Step, apply
from simulator import ops

# Of a segment: enough that its windows and its replay see a program at work, few enough that
# memory stays small.
SEGMENT_STEPS: Final = 8192


@dataclass(slots=True)
class Segment:
    """Steps in a row. `before` is what was mapped in each space before its first step here (a
    child that was forked here: at its fork), `sizes` the pages of the memory files made before,
    `uffds` the features of userfaultfds, made before or here."""

    steps: list[Step] = field(default_factory=list)
    before: dict[int, Layout] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    uffds: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Translation:
    """What a log is, as far as its segments were taken. `files[i]` is what file number i of the
    steps is. `ruled` answers were compared with the rules of their calls; `differences` are those
    that differ."""

    spaces: list[Space]
    files: list[File] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)  # all mm calls and faults by name
    taken: Counter[str] = field(default_factory=Counter)  # by call name
    listed: Counter[tuple[str, str]] = field(default_factory=Counter)  # by call name and reason
    first: dict[tuple[str, str], int] = field(default_factory=dict)  # line
    others: Counter[str] = field(default_factory=Counter)  # by call name: not about memory
    ruled: int = 0
    differences: list[Difference] = field(default_factory=list)

    def list(self, line: int, name: str, reason: str) -> None:
        self.listed[name, reason] += 1
        self.first.setdefault((name, reason), line)


def segments(
    followed: Followed, out: Translation, before: dict[int, list[Region]] | None = None
) -> Iterator[Segment]:
    """All mm calls of a log, whose counts go to `out`. `before` are mappings, by space, that are
    known to be there."""
    translator = _Translator(followed, out, before or {})
    state = translator.state
    arranged = Arranged(state.layouts.get, state.breaks.get)
    for event in arranged.events(followed.events) if followed.answered else followed.events:
        state.alone = arranged.alone
        translator.take(event)
        if len(translator.segment.steps) >= SEGMENT_STEPS:
            yield translator.next_segment()
    if translator.segment.steps:
        yield translator.next_segment()
    if out.calls != out.taken + Counter(
        name for (name, _), count in out.listed.items() for _ in range(count)
    ):
        raise AssertionError("an mm call is neither taken nor listed, or both: a bug of ours")


class _Translator:
    def __init__(
        self, followed: Followed, out: Translation, before: dict[int, list[Region]]
    ) -> None:
        self.followed = followed
        self.out = out
        self.before = before
        self.state = State(out.files, followed.answered)
        self.faults = touches.Faults()
        self.segment = Segment(uffds=self.state.uffds)
        self.faults.steps = self.segment.steps
        self.tally = Tally()
        self.last_of: dict[int, int] = {}  # pid -> its space, of those that the log showed

    def next_segment(self) -> Segment:
        """What is there, and begin anew."""
        done = self.segment
        self.segment = Segment(sizes=dict(self.state.sizes), uffds=self.state.uffds)
        self.faults.steps = self.segment.steps
        return done

    def take(self, event: Following) -> None:
        space = event.space
        if space not in self.state.layouts:
            self.begin(space)
        if isinstance(event, Forked):
            self.fork(event)
        elif isinstance(event, Ended):
            self.add(Step(event.line, space, ops.OP_EXIT, (), "exit", None))
            self.state.forget(space)
        else:
            self.placed(event, space)

    def begin(self, space: int) -> None:
        """A space that was not forked: what is known of it."""
        layout = self.state.layouts[space] = Layout()
        for region in self.before.get(space, ()):
            layout.map(region)
        pid = self.followed.spaces[space].pid
        before = self.state.causes.get(self.last_of.get(pid, -1))
        self.state.causes[space] = before.executed() if before else Causes()
        self.state.places[space] = Places(self.followed.spaces[space].executed, self.tally)
        self.last_of[pid] = space

    def placed(self, placed: Placed, space: int) -> None:
        event = placed.event
        if isinstance(event, Call):
            self.call(placed, event)
        elif isinstance(event, Fault):
            self.fault(event, space)
        elif isinstance(event, Signal):
            step = touches.failed(event, space, self.state.layouts[space], self.out.files)
            if step:
                self.add(step)
        elif isinstance(event, Touch):
            self.add(
                Step(
                    event.line,
                    space,
                    event.code,
                    (event.address // WORD_SIZE,),
                    "",
                    None,
                    thread=event.thread,
                )
            )
        elif isinstance(event, Untaken):
            self.out.calls[event.name] += 1
            self.out.list(event.line, event.name, event.reason)

    def add(self, step: Step) -> None:
        """A step of the log; what it proves about the time before is inferred first."""
        state = self.state
        if not self.followed.answered:
            step = step._replace(answer=None, chosen=False)
        layout = state.layouts[step.space]
        if step.space not in self.segment.before:
            self.segment.before[step.space] = layout.copy()
        if step.answer is not None:
            for start, end in step.proves_mapped(layout):
                for low, high in layout.untold(start, end):
                    self.infer(step, low, high)
            step = self.excused(step, layout)
        if step.code == ops.OP_MREMAP:
            start, end = step.args[:2]
            ends = (region.end for region in layout.within(start, end) if region.end < end)
            step = step._replace(inside=tuple(ends))
        self.segment.steps.append(step)
        if not step.refused:
            apply(layout, step)
            if step.answer is None or step.answer.good:
                state.causes[step.space].applied(step)
            self.faults.changed(step)

    def excused(self, step: Step, layout: Layout) -> Step:
        """The step with the cause that may, or must, have given it another answer than the
        model's."""
        answer = step.answer
        if answer is not None and answer.good:
            errno = self.state.causes[step.space].forbids(step, layout, self.out.files)
            if errno:
                return step._replace(right=errno)
        excuse = self.state.causes[step.space].excuse(step, layout, self.out.files)
        if not excuse or answer is None:
            return step
        return step._replace(excuse=excuse, refused=answer.kind == ERRNO)

    def infer(self, step: Step, start: int, end: int) -> None:
        """These pages were mapped before the log told anything about them: anonymous memory
        where a fault says so, else some file."""
        backing = ANON
        if step.code not in (ops.OP_READ, ops.OP_WRITE, ops.OP_UFFD_COPY):
            backing = self.state.file(
                File(UNKNOWN, "a mapping from before the log began", step.space)
            )
        region = Region(start, end, 3, False, backing, 0)
        space: int | None = step.space
        while space is not None:
            for layout in (self.state.layouts.get(space), self.segment.before.get(space)):
                if layout is not None:
                    for low, high in layout.untold(start, end):
                        layout.map(region.part(low, high))
            space = self.followed.spaces[space].parent

    def fork(self, forked: Forked) -> None:
        call = forked.call
        if not call.again:
            self.out.calls[call.name] += 1
            self.out.taken[call.name] += 1
        self.add(
            Step(
                call.line,
                forked.space,
                ops.OP_FORK,
                (forked.child,),
                str(call),
                Answer.ok(),
                thread=call.thread,
            )
        )
        self.state.fork(forked.space, forked.child)
        self.last_of[self.followed.spaces[forked.child].pid] = forked.child
        self.segment.before[forked.child] = self.state.layouts[forked.child].copy()

    def fault(self, fault: Fault, space: int) -> None:
        self.out.calls[fault.name] += 1
        step = self.faults.served(fault, space, self.state.layouts[space], self.out.files)
        if isinstance(step, Listed):
            self.out.list(fault.line, fault.name, step.reason)
        else:
            self.out.taken[fault.name] += 1
            self.add(step)

    def call(self, placed: Placed, call: Call) -> None:
        name = calls.mm_name(placed)
        counted = 0 if call.again else 1
        if not name:
            if call.name == "io_setup":  # maps its ring where it likes
                self.state.places[placed.space].unsure = True
            elif call.name in RULES:
                self.state.causes[placed.space].rule(call)
            elif placed.file:
                file_calls.position(placed, call)
            self.out.others[call.name] += counted
            return
        self.out.calls[name] += counted
        translated = calls.translate_call(placed, name, self.state)
        if isinstance(translated, Listed):
            if counted:
                self.out.list(call.line, name, translated.reason)
            if translated.answers and self.followed.answered:
                self.rule(call, name, translated)
            for step in translated.stand_ins:
                self.add(step._replace(thread=call.thread))
            for kind, start, end in translated.marks:
                self.state.causes[placed.space].mark(kind, start, end, call.line, name)
        else:
            self.out.taken[name] += counted
            for step in translated:
                self.add(step)

    def rule(self, call: Call, name: str, listed: Listed) -> None:
        """Compare the answer of a call without an op with those that its rules allow."""
        self.out.ruled += 1
        by_value = listed.answers[0].startswith("0x")
        answer = call.errno if call.failed else call.result if by_value else "ok"
        if answer not in listed.answers:
            self.out.differences.append(
                Difference(
                    call.line, str(call), answer, " or ".join(listed.answers), name, listed.excuse
                )
            )
