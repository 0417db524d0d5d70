# SPDX-License-Identifier: MIT
"""Calls of a log as ops on real page numbers, each with the answer the real kernel gave.

Contract: every mm call of the log is either taken, as one step or several, or listed with a
reason; `translate` itself checks that the two add up. What the op table has (advices, kinds
of ops) is taken from the table by name. Calls that the model cannot make but whose effect on
the layout is plain (shmat, a locked mapping) leave a stand-in step, which no answer belongs to.
Page faults, and signals for failed touches, become reads and writes (`corpus.recording.touches`).

Kernel-chosen addresses are pinned: the step names the address from the result. Mappings that
must have been there before the log began are inferred from calls that succeed on them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from corpus.recording import calls, touches
from corpus.recording.arguments import WORD_SIZE, Listed, State
from corpus.recording.follow import Ended, File, Followed, Forked, Placed, Space
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.events import Call, Fault, Signal, Touch, Untaken
from corpus.recording.steps import Answer, Step, apply
from simulator import ops

# Inference adds mappings, which may let more calls be understood; each pass needs a reason
# from the one before, so a few are many.
_MAX_PASSES: Final = 4


@dataclass(slots=True)
class Unmodelled:
    """A listed call that changed state which later answers may depend on."""

    line: int
    space: int
    name: str
    start: int
    end: int


@dataclass(slots=True)
class Translation:
    """A whole log. `files[i]` is what file number i of the steps is; `initial` are the
    mappings that were there before, by the space they were there in."""

    spaces: list[Space]
    steps: list[Step] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    initial: dict[int, list[Region]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)  # all mm calls and faults by name
    taken: Counter[str] = field(default_factory=Counter)  # by call name
    listed: list[tuple[int, str, str]] = field(default_factory=list)  # line, name, reason
    others: list[tuple[int, str]] = field(default_factory=list)  # line, name: not about memory
    unmodelled: list[Unmodelled] = field(default_factory=list)


def translate(
    followed: Followed, before: dict[int, list[Region]] | None = None
) -> Translation:
    """All mm calls of a log. `before` are mappings, by space, that are known to be there."""
    initial = dict(before or {})
    files: list[File] = []  # those of `initial`, which are the first of every pass
    for _ in range(_MAX_PASSES):
        translator = _Translator(followed, initial, files)
        translator.run()
        if not translator.inferred:
            break
        for space, region in translator.inferred:
            if region.file != ANON:
                files.append(translator.out.files[region.file])
                region = replace(region, file=len(files) - 1)
            initial.setdefault(space, []).append(region)
    out = translator.out
    if out.calls != out.taken + Counter(name for _, name, _ in out.listed):
        raise AssertionError("an mm call is neither taken nor listed, or both: a bug of ours")
    return out


class _Translator:
    def __init__(
        self, followed: Followed, initial: dict[int, list[Region]], files: list[File]
    ) -> None:
        self.followed = followed
        self.out = Translation(followed.spaces, files=list(files), initial=initial)
        self.inferred: list[tuple[int, Region]] = []
        self.state = State(self.out.files)
        self.faults = touches.Faults(self.out.steps)
        self.root: list[int] = []  # by space: the space that its forks began in
        for space in followed.spaces:
            root = space.ident if space.parent is None else self.root[space.parent]
            self.root.append(root)
            if space.parent is None:
                layout = self.state.layouts[space.ident] = Layout()
                for region in initial.get(space.ident, []):
                    layout.map(region)
                    layout.tell(region.start, region.end)

    def run(self) -> None:
        for event in self.followed.events:
            match event:
                case Forked():
                    self.fork(event)
                case Ended():
                    self.add(Step(event.line, event.space, ops.OP_EXIT, (), "exit", None))
                case Placed(event=Fault() as fault):
                    self.fault(fault, event.space)
                case Placed(event=Signal() as signal):
                    self.signal(signal, event.space)
                case Placed(event=Touch() as touch):
                    self.add(Step(touch.line, event.space, touch.code,
                                  (touch.address // WORD_SIZE,), "", None, thread=touch.thread))
                case Placed(event=Untaken() as untaken):
                    self.out.calls[untaken.name] += 1
                    self.out.listed.append((untaken.line, untaken.name, untaken.reason))
                case Placed(event=Call() as call):
                    self.call(event, call)

    def add(self, step: Step) -> None:
        """A step of the log; what it proves about the time before is inferred first."""
        if not self.followed.answered:
            step = replace(step, answer=None, chosen=False)
        layout = self.state.layouts[step.space]
        for start, end in step.proves_mapped(layout):
            for low, high in layout.untold(start, end):
                self.infer(step, low, high)
        if step.code == ops.OP_MREMAP:
            start, end = step.args[:2]
            ends = (region.end for region in layout.within(start, end) if region.end < end)
            step = replace(step, inside=tuple(ends))
        self.out.steps.append(step)
        apply(layout, step, self.out.files)
        self.faults.changed(step)

    def infer(self, step: Step, start: int, end: int) -> None:
        """These pages were mapped before the log told anything about them: anonymous memory
        where a fault says so, else some file."""
        backing = ANON
        if step.code not in (ops.OP_READ, ops.OP_WRITE):
            self.out.files.append(File("other", "mapped before the log began", step.space))
            backing = len(self.out.files) - 1
        region = Region(start, end, 3, False, backing, 0)
        self.inferred.append((self.root[step.space], region))
        self.state.layouts[step.space].map(region)
        self.state.layouts[step.space].tell(start, end)

    def fork(self, forked: Forked) -> None:
        call = forked.call
        if not call.again:
            self.out.calls[call.name] += 1
            self.out.taken[call.name] += 1
        self.state.fork(forked.space, forked.child)
        self.add(Step(call.line, forked.space, ops.OP_FORK, (forked.child,), str(call),
                      Answer.ok(), thread=call.thread))

    def fault(self, fault: Fault, space: int) -> None:
        self.out.calls[fault.name] += 1
        step = self.faults.served(fault, space, self.state.layouts[space], self.out.files)
        if isinstance(step, Listed):
            self.out.listed.append((fault.line, fault.name, step.reason))
        else:
            self.out.taken[fault.name] += 1
            self.add(step)

    def signal(self, signal: Signal, space: int) -> None:
        step = touches.failed(signal, space, self.state.layouts[space], self.out.files)
        if step:
            self.add(step)

    def call(self, placed: Placed, call: Call) -> None:
        name = calls.mm_name(placed)
        counted = 0 if call.again else 1
        if not name:
            if counted:
                self.out.others.append((call.line, call.name))
            return
        self.out.calls[name] += counted
        translated = calls.translate_call(placed, name, self.state)
        if isinstance(translated, Listed):
            if counted:
                self.out.listed.append((call.line, name, translated.reason))
            if translated.changed:
                start, end = translated.changed
                self.out.unmodelled.append(Unmodelled(call.line, placed.space, name, start, end))
            steps = list(translated.stand_ins)
        else:
            self.out.taken[name] += counted
            steps = translated
        for step in steps:
            self.add(replace(step, thread=call.thread))
