# SPDX-License-Identifier: MIT
"""What a recording of a program holds: calls, page faults, signals, exits.

Contract: whatever wrote a recording, its reader makes these events of it, one by one, and keeps
lines that are none in `Log.odd_lines`, never dropped. Calls that `ORDERED` names come in the order
in which they began, all others where they returned. The arguments of a call are text in the
notation of strace (`corpus.recording.values` reads them). A file that is no recording of its kind
raises `RecordingError`, which says what to do.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TextIO

# Calls that matter from where they begin: they change mappings or processes, or give a number
# back that another call may get at once.
ORDERED: Final = frozenset(
    (
        "mmap",
        "mmap2",
        "munmap",
        "mremap",
        "mprotect",
        "pkey_mprotect",
        "madvise",
        "process_madvise",
        "brk",
        "remap_file_pages",
        "shmat",
        "shmdt",
        "mlock",
        "mlock2",
        "munlock",
        "mlockall",
        "munlockall",
        "mseal",
        "ftruncate",
        "fallocate",
        "fork",
        "vfork",
        "clone",
        "clone3",
        "close",
    )
)


class RecordingError(ValueError):
    """A file that cannot be imported; the text says where, and what to do."""


class Call(NamedTuple):
    """One system call. `arguments` is the text between the brackets, `result` the first word
    after `=` (`?` when it did not return), `errno` a name or empty. `line` is where it began.
    `thread` tells threads of one process apart where a pid does not; `again` marks calls that
    repeat one of the text, which are not counted. The kernel served it between `begin` and `end`,
    which are places in the recording (0: in the order in which the events come)."""

    line: int
    pid: int
    name: str
    arguments: str
    result: str
    errno: str
    thread: int = 0
    again: bool = False
    begin: int = 0
    end: int = 0

    def __str__(self) -> str:
        error = f" {self.errno}" if self.errno else ""
        return f"{self.name}({self.arguments}) = {self.result}{error}"

    @property
    def failed(self) -> bool:
        return self.result[:1] == "-"


@dataclass(frozen=True, slots=True)
class Untaken:
    """A call of which whoever read the text knows why it cannot be taken."""

    line: int
    pid: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Touch:
    """A load or store (`code` is the op's) that belongs to a call, or to none."""

    line: int
    pid: int
    code: int
    address: int
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """A page fault that was served. `where` is what the recording calls the memory (a file, or
    nothing), and `address` lies in it: from its start where it is a file."""

    line: int
    pid: int
    name: str  # minfault, majfault
    address: int
    where: str
    access: str = ""  # load or store, where the recording tells
    place: int = 0  # among the `begin` and `end` of calls; of the others, too


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as it is delivered; `fields` are those of siginfo, as text."""

    line: int
    pid: int
    name: str
    fields: dict[str, str]
    place: int = 0


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a process or thread."""

    line: int
    pid: int
    place: int = 0


Event = Call | Untaken | Touch | Fault | Signal | Exit


@dataclass(slots=True)
class Log:
    """All events, which a reader of a long recording makes while they are taken: once. `odd_lines`
    are those that are none, as far as it was read. `kind` is what wrote it, a word of `# origin:`.
    Without `answered` its results are no kernel's: they only say which descriptor or address a
    later call means."""

    name: str
    kind: str
    events: Iterable[Event] = ()
    odd_lines: list[tuple[int, str]] = field(default_factory=list)  # (line, what is wrong)
    answered: bool = True


def read_text(path: Path, limit: int, what: str) -> str:
    """The text of a file of at most `limit` bytes; `what` says in errors what it should be.

    Raises OSError for what is not readable.
    """
    return "\n".join(read_lines(path, limit, what))


def read_lines(path: Path, limit: int, what: str) -> Iterator[str]:
    """The lines of such a text, without their ends. The file is open when this returns."""
    file = open(path, encoding="utf-8", errors="replace", newline="\n")  # noqa: SIM115
    if os.fstat(file.fileno()).st_size > limit:
        file.close()
        raise _too_large(path, limit)
    return _lines(file, path, limit, what)


def _lines(file: TextIO, path: Path, limit: int, what: str) -> Iterator[str]:
    left = limit  # pipes and devices have no size, so it is counted here
    with file:
        for at, line in enumerate(file, 1):
            left -= len(line)
            if left < 0:
                raise _too_large(path, limit)
            if "\0" in line:
                raise RecordingError(f"{path}:{at}: a NUL byte: this is not {what}")
            yield line.removesuffix("\n")


def _too_large(path: Path, limit: int) -> RecordingError:
    return RecordingError(
        f"{path}: too large: at most {limit} bytes are read; take a shorter one, "
        "or only its memory calls"
    )


_PIECE: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?'  # a string, which may have been shortened
    r"|/\*.*?\*/"  # a comment of strace
    r"|[\[\](){},]"
    r'|[^"/\[\](){},]+|.'
)


_NESTED: Final = re.compile(r'["/\[\](){}]')  # more than words and commas


def six_arguments(call: Call) -> list[str]:
    """The arguments of a call, with empty ones for those that a broken log left out."""
    arguments = split_arguments(call.arguments)
    return arguments + [""] * (6 - len(arguments))


def split_arguments(text: str) -> list[str]:
    """The arguments: split at commas outside of strings and brackets; without comments."""
    if not _NESTED.search(text):
        return [word.strip() for word in text.split(",")] if text.strip() else []
    arguments: list[str] = []
    depth = 0
    current = ""
    for piece in _PIECE.findall(text):
        if piece.startswith("/*"):
            continue
        if piece == "," and depth == 0:
            arguments.append(current.strip())
            current = ""
            continue
        if piece in ("(", "[", "{"):
            depth += 1
        elif piece in (")", "]", "}"):
            depth -= 1
        current += piece
    if current.strip() or arguments:
        arguments.append(current.strip())
    return arguments
