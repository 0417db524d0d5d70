# SPDX-License-Identifier: MIT
"""Arguments of mm calls as pages, and what translating a call gives.

Contract: functions raise `Odd` with a reason for what the scenario language cannot say; who
translates a call turns that into a `Listed`.
"""

from dataclasses import dataclass, field
from typing import Final

from corpus.recording import follow, values
from corpus.recording.causes import Causes
from corpus.recording.events import Call
from corpus.recording.follow import File, Placed
from corpus.recording.layout import Layout
from corpus.recording.places import Places
from corpus.recording.rules import PAGE_SIZE, TASK_PAGES, Answers
from corpus.recording.steps import ERRNO, PAGE, Answer, Step, forked
from simulator import ops

WORD_SIZE: Final = PAGE_SIZE // 4  # the model has four words a page
NO_FILE_PAGES: Final = "pages of files other than memory files are not in the model"
NO_OP: Final = "the model has no op for it yet"


@dataclass(frozen=True, slots=True)
class Listed:
    """A call that is not taken. `stand_ins` keep the layout right. Where the rules of the call
    say which `answers` there can be, the one of the log is compared with them; `excuse` is why
    another one may be right all the same. `marks` are causes (`corpus.recording.causes`) that it
    is of later answers, with their pages."""

    reason: str
    stand_ins: tuple[Step, ...] = ()
    answers: Answers = ()
    excuse: str = ""
    marks: tuple[tuple[str, int, int], ...] = ()


Translated = list[Step] | Listed


@dataclass(slots=True)
class State:
    """What the kernel keeps between calls."""

    files: list[File]
    answered: bool = True
    layouts: dict[int, Layout] = field(default_factory=dict)
    causes: dict[int, Causes] = field(default_factory=dict)
    places: dict[int, Places] = field(default_factory=dict)
    alone: bool = True  # whether the call that is translated overlaps with none of its space
    breaks: dict[int, int] = field(default_factory=dict)  # space -> address
    first_breaks: dict[int, int] = field(default_factory=dict)  # where the heap began, or above
    sizes: dict[int, int] = field(default_factory=dict)  # memory file -> pages it is made with
    uffds: dict[int, int] = field(default_factory=dict)  # userfaultfd -> features it is made with
    segments: dict[int, int] = field(default_factory=dict)  # System V id -> pages
    attached: dict[int, int] = field(default_factory=dict)  # page -> pages

    def fork(self, space: int, child: int) -> None:
        self.layouts[child] = forked(self.layouts[space])
        self.causes[child] = self.causes[space].copy()
        self.places[child] = self.places[space].copy()
        for breaks in (self.breaks, self.first_breaks):
            if space in breaks:
                breaks[child] = breaks[space]

    def forget(self, space: int) -> None:
        """A space that ended. Its rules stay: execve() hands them on."""
        self.layouts.pop(space, None)
        self.places.pop(space, None)
        self.breaks.pop(space, None)
        self.first_breaks.pop(space, None)

    def file(self, file: File) -> int:
        """The number of a file."""
        if file.number < 0:
            file.number = len(self.files)
            self.files.append(file)
        return file.number


def small_memfd(file: File | None) -> bool:
    """Whether it is a memory file with as many pages as the model's have."""
    if file is None or file.kind != follow.MEMFD:
        return False
    return 0 < file.size <= ops.MAX_FILE_PAGES * PAGE_SIZE and "HUGETLB" not in file.name


class Odd(Exception):
    """A call that the scenario language cannot say; the text is the reason, and `answers` are
    those that the kernel may give to it, where that is known."""

    def __init__(self, reason: str, answers: Answers = ()) -> None:
        super().__init__(reason)
        self.answers = answers


def number_of(word: str, what: str) -> int:
    value = values.address(values.named(word))
    if value is None:
        raise Odd(f"{what} is not a number: {word[:40]}")
    return value


def page_of(word: str) -> int:
    """The page of an address, which must be page-aligned."""
    address = number_of(word, "address")
    if address % PAGE_SIZE:
        raise Odd("the address is not page-aligned: scenarios have page numbers")
    return address // PAGE_SIZE


def pages_of(word: str, answers: Answers = ()) -> int:
    """Pages of a length, rounded up as the kernel does."""
    length = number_of(word, "length")
    if length == 0:
        raise Odd("the length is 0: scenarios have no empty ranges", answers)
    if not 0 < length <= TASK_PAGES * PAGE_SIZE:
        raise Odd("the range is larger than the address space", answers)
    return -(-length // PAGE_SIZE)


def range_of(first: str, second: str, answers: Answers = ()) -> tuple[int, int]:
    """The pages of a range. `answers` is what the kernel says to one that is odd."""
    try:
        start = page_of(first)
        end = start + pages_of(second)
    except Odd as odd:
        raise Odd(str(odd), answers) from odd
    if end > TASK_PAGES or start < 0:
        raise Odd("the range lies beyond the address space", answers)
    return start, end


def answer_of(call: Call, returns_page: bool = False) -> Answer:
    if call.failed:
        return Answer(ERRNO, 0, call.errno)
    if returns_page:
        return Answer(PAGE, page_of(call.result))
    return Answer.ok()


def step_of(
    placed: Placed,
    call: Call,
    code: int,
    args: tuple[int, ...],
    answer: Answer,
    chosen: bool = False,
    why_not_compared: str = "",
    right: str = "",
) -> Step:
    return Step(
        call.line,
        placed.space,
        code,
        args,
        str(call),
        answer,
        chosen,
        why_not_compared,
        (),
        call.thread,
        right=right,
    )
