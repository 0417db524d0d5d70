# SPDX-License-Identifier: MIT
"""The text of a strace log as events: calls with their results, signals, exits.

Contract: `parse` and `load` take what strace 4.x to 7.x print with any of -f, -ff, -t/-tt/-ttt, -T,
-y, -v, -x, -X raw, line by line: of a log only the calls that have not returned are held. Calls
cut by `<unfinished ...>` are joined with their `resumed` line; the kernel served them somewhere
between the two. Lines that are nothing of all that are kept in `Log.odd_lines`, never dropped. A
file that is no strace log at all raises `RecordingError` when its events are taken.

Not promised: what the arguments mean; they stay text (`corpus.recording.values`).
"""

import re
from bisect import insort
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Final

from corpus.recording import values
from corpus.recording.events import (
    ORDERED,
    Call,
    Event,
    Exit,
    Log,
    RecordingError,
    Signal,
    read_lines,
    split_arguments,
)

# A log of a whole selftest run has 30 MB; beyond this it is a wrong file more likely than a log.
MAX_LOG_BYTES: Final = 256 << 20
NO_PID: Final = 0  # of logs of one process, which have no pid column
# While one of ORDERED is not finished all that follows waits, so a log where one never is must end
# that: mm calls overlap with some hundred others at most.
MAX_HELD: Final = 20_000

_PREFIX: Final = (
    r"(?:\[pid +(\d{1,18})\] +|(\d{1,18}) +)?"
    r"(?:(?:\d+:\d\d:\d\d(?:\.\d+)?|\d+\.\d+|\(\+ *\d+\.\d+\)) +)?"
)
# `.*` is greedy, so it ends at the last bracket: arguments may hold `) = 0` in a string.
_WHOLE: Final = re.compile(
    _PREFIX + r"(\w+)\((.*)\)\s*=\s+(\S+)(?:\s+(E[A-Z0-9]+)\b)?.*", re.DOTALL
)
_START: Final = re.compile(_PREFIX)
_CALL: Final = re.compile(r"(\w+)\(")
_RESUMED: Final = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_REST: Final = re.compile(r"(.*)\)\s*=\s+(\S+)(?:\s+(E[A-Z0-9]+)\b)?.*", re.DOTALL)
_UNFINISHED: Final = re.compile(r"\s*<unfinished \.\.\.>$")
_SIGNAL: Final = re.compile(r"--- (SIG\w+) (?:\{(.*)\} )?---")
_EXIT: Final = re.compile(r"\+\+\+ (exited with \d+|killed by .*) \+\+\+")
_SUPERSEDED: Final = re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+")


def load(path: Path) -> Log:
    """The log in a file, which is read while its events are taken. Raises OSError for what is not
    readable, RecordingError for what is no log from its first line on."""
    log = _log(read_lines(path, MAX_LOG_BYTES, "the text that strace -o writes"), str(path))
    events = iter(log.events)
    log.events = chain([next(events)], events)
    return log


def parse(text: str, name: str = "<log>") -> Log:
    """The events of a log, all at once."""
    # split() and not splitlines(), for that cuts at characters which strace may print as they are
    log = _log(text.split("\n"), name)
    log.events = list(log.events)
    return log


def _log(lines: Iterable[str], name: str) -> Log:
    log = Log(name, "strace")
    log.events = _events(lines, log)
    return log


def _events(lines: Iterable[str], log: Log) -> Iterator[Event]:
    reader = _Reader(log)
    any_event = False
    for at, line in enumerate(lines, 1):
        for event in reader.line(at, line):
            any_event = True
            yield event
    for event in reader.finish():
        any_event = True
        yield event
    if not any_event:
        raise RecordingError(
            f"{log.name}:1: no line of this is a line of a strace log: give what "
            "`strace -f -o FILE` wrote"
        )


class _Reader:
    """Lines, one by one, and what waits."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.now = 0
        self.unfinished: dict[int, tuple[int, str, str]] = {}  # pid -> line, call, text so far
        self.ordered: dict[int, int] = {}  # pid -> where its unfinished call of ORDERED began
        self.held: list[tuple[int, Event]] = []  # sorted by place, those behind self.ordered

    def line(self, at: int, text: str) -> Iterable[Event]:
        """The events that are complete with this line, in their order."""
        self.now = at
        whole = _WHOLE.fullmatch(text)
        if whole:
            bracket, number, name, arguments, result, errno = whole.groups()
            pid = int(bracket or number or NO_PID)
            if name.startswith("syscall_"):
                name = _named(name)
            if pid in self.unfinished:
                self.never_returned(pid)
            event = Call(at, pid, name, arguments, result, errno or "", 0, False, at, at)
            if not self.ordered:
                return (event,)
            self.held.append((at, event))
        elif text.strip():
            self.other_line(at, text.rstrip())
        return self.ready() if self.held else ()

    def finish(self) -> Iterable[Event]:
        """The rest, when the log is over; calls that did not return among it."""
        for pid in list(self.unfinished):
            self.never_returned(pid)
        return self.ready()

    def other_line(self, at: int, text: str) -> None:
        """What is not a whole call."""
        prefix = _START.match(text)
        start = prefix.end() if prefix else 0
        pid = int(prefix[1] or prefix[2] or NO_PID) if prefix else NO_PID
        if text.startswith("<... ", start):
            again = _RESUMED.match(text, start)
            self.odd(at, self.resumed(pid, again[1], again[2]) if again else "resumes no call")
            return
        call = _CALL.match(text, start)
        if call:
            cut = _UNFINISHED.search(text)
            if not cut:
                self.odd(at, f"{call[1]}: the line is cut off before its result")
                return
            if pid in self.unfinished:
                self.never_returned(pid)
            name = _named(call[1])
            self.unfinished[pid] = (at, name, text[call.end() : cut.start()])
            if name in ORDERED:
                self.ordered[pid] = at
            return
        signal = _SIGNAL.match(text, start)
        if signal:
            pairs = (pair.partition("=") for pair in split_arguments(signal[2] or ""))
            self.hold(at, Signal(at, pid, signal[1], {key: value for key, _, value in pairs}, at))
        elif _EXIT.match(text, start):
            if pid in self.unfinished:
                self.never_returned(pid)
            self.hold(at, Exit(at, pid, at))
        elif superseded := _SUPERSEDED.match(text, start):
            # The thread takes over the pid of its process, with the execve() that it is in.
            taker = int(superseded[1])
            if pid in self.unfinished:
                self.never_returned(pid)
            if taker in self.unfinished:
                self.unfinished[pid] = self.unfinished.pop(taker)
            self.hold(at, Exit(at, taker, at))
        else:
            self.odd(at, "neither a call nor a signal nor an exit")

    def resumed(self, pid: int, name: str, rest: str) -> str:
        """The second half of a call, or what is wrong with it."""
        if pid not in self.unfinished:
            return "the call that is resumed here did not begin in this log"
        began, begun, so_far = self.unfinished[pid]
        name = _named(name)
        if name != begun:
            self.never_returned(pid)
            return f"resumes {name}, but {begun} is what did not finish"
        whole = _REST.fullmatch(so_far + rest)
        if not whole:
            self.never_returned(pid)
            return f"{name}: the line is cut off before its result"
        del self.unfinished[pid]
        self.ordered.pop(pid, None)
        call = Call(began, pid, name, whole[1], whole[2], whole[3] or "", 0, False, began, self.now)
        self.hold(began if name in ORDERED else self.now, call)
        return ""

    def never_returned(self, pid: int) -> None:
        began, name, so_far = self.unfinished.pop(pid)
        self.ordered.pop(pid, None)
        self.hold(
            began if name in ORDERED else self.now,
            Call(began, pid, name, so_far, "?", "", 0, False, began, self.now),
        )

    def odd(self, at: int, what: str) -> None:
        if what:
            self.log.odd_lines.append((at, what))

    def hold(self, place: int, event: Event) -> None:
        insort(self.held, (place, event), key=itemgetter(0))

    def ready(self) -> list[Event]:
        """What nothing unfinished may stand before."""
        if len(self.held) > MAX_HELD and self.ordered:
            self.never_returned(next(iter(self.ordered)))
        count = len(self.held)
        if self.ordered:
            first = next(iter(self.ordered.values()))
            count = 0
            while count < len(self.held) and self.held[count][0] < first:
                count += 1
        found = [event for _, event in self.held[:count]]
        del self.held[:count]
        return found


def _named(name: str) -> str:
    """The name of a call that strace may know by its number only."""
    number = values.number(name.removeprefix("syscall_"))
    return name if number is None else values.SYSCALLS.get(number, name)
