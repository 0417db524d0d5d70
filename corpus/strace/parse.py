# SPDX-License-Identifier: MIT
"""The text of a strace log as events: calls with their results, signals, exits.

Contract: `parse` takes what strace 4.x to 7.x print with any of -f, -ff, -t/-tt/-ttt, -T, -y,
-v, -x, -X raw: calls cut by `<unfinished ...>` are joined with their `resumed` line and stand
where they began. Lines that are nothing of all that are kept in `Log.odd_lines`, never
dropped. A file that is no strace log at all raises `RecordingError`.

Not promised: what the arguments mean; they stay text (`corpus.recording.values`).
"""

import re
from pathlib import Path
from typing import Final

from corpus.recording.events import (
    Call, Event, Exit, Log, RecordingError, Signal, read_text, split_arguments,
)

# A log of a whole selftest run has 30 MB; beyond this it is a wrong file more likely than a log.
MAX_LOG_BYTES: Final = 256 << 20
NO_PID: Final = 0  # of logs of one process, which have no pid column

_PREFIX: Final = re.compile(
    r"(?:\[pid +(?P<bracket>\d{1,18})\] +|(?P<pid>\d{1,18}) +)?"
    r"(?:(?:\d+:\d\d:\d\d(?:\.\d+)?|\d+\.\d+|\(\+ *\d+\.\d+\)) +)?"
)
_CALL: Final = re.compile(r"(\w+)\(")
_RESUMED: Final = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_UNFINISHED: Final = re.compile(r"\s*<unfinished \.\.\.>$")
_RESULT: Final = re.compile(r"\)\s*=\s+(\S+)(?:\s+(E[A-Z0-9]+)\b)?.*")
_SIGNAL: Final = re.compile(r"--- (SIG\w+) (?:\{(.*)\} )?---")
_EXIT: Final = re.compile(r"\+\+\+ (exited with \d+|killed by .*) \+\+\+")


def load(path: Path) -> Log:
    """The log in a file. Raises OSError for what is not readable."""
    return parse(read_text(path, MAX_LOG_BYTES, "the text that strace -o writes"), str(path))


def parse(text: str, name: str = "<log>") -> Log:
    """The events of a log."""
    log = Log(name, "strace")
    unfinished: dict[int, tuple[int, str, str]] = {}  # pid -> line, call, text so far
    # split() and not splitlines(), for that cuts at characters which strace may print as they are
    for at, text_line in enumerate(text.split("\n"), 1):
        if text_line.strip():
            event = _parse_line(text_line.rstrip(), at, unfinished)
            if isinstance(event, str):
                log.odd_lines.append((at, event))
            elif event is not None:
                log.events.append(event)
    for pid, (at, call, so_far) in unfinished.items():
        log.events.append(Call(at, pid, call, so_far, "?", ""))
    log.events.sort(key=lambda event: event.line)
    if not log.events:
        raise RecordingError(f"{name}:1: no line of this is a line of a strace log: give what "
                          "`strace -f -o FILE` wrote")
    return log


def _parse_line(
    text: str, at: int, unfinished: dict[int, tuple[int, str, str]]
) -> Event | str | None:
    """An event, or why there is none, or None for the first half of a call."""
    prefix = _PREFIX.match(text)
    start = prefix.end() if prefix else 0
    pid = int(prefix["bracket"] or prefix["pid"] or NO_PID) if prefix else NO_PID

    resumed = _RESUMED.match(text, start)
    if resumed:
        if pid not in unfinished:
            return "the call that is resumed here did not begin in this log"
        began, name, so_far = unfinished.pop(pid)
        if name != resumed[1]:
            return f"resumes {resumed[1]}, but {name} is what did not finish"
        return _call(began, pid, name, so_far + resumed[2])
    call = _CALL.match(text, start)
    if call:
        cut = _UNFINISHED.search(text)
        if cut:
            unfinished[pid] = (at, call[1], text[call.end():cut.start()])
            return None
        return _call(at, pid, call[1], text[call.end():])
    signal = _SIGNAL.match(text, start)
    if signal:
        pairs = (pair.partition("=") for pair in split_arguments(signal[2] or ""))
        return Signal(at, pid, signal[1], {key: value for key, _, value in pairs})
    if _EXIT.match(text, start):
        return Exit(at, pid)
    return "neither a call nor a signal nor an exit"


def _call(line: int, pid: int, name: str, rest: str) -> Call | str:
    """The call whose text after `name(` is `rest`."""
    bracket = rest.rfind(")")
    while bracket >= 0:  # from the right, for arguments may hold `) = 0` in a string
        result = _RESULT.fullmatch(rest, bracket)
        if result:
            value, errno = result[1], result[2] or ""
            return Call(line, pid, name, rest[:bracket], value, errno)
        bracket = rest.rfind(")", 0, bracket)
    return f"{name}: the line is cut off before its result"
