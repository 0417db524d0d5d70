# SPDX-License-Identifier: MIT
"""Arguments of mm calls as pages, and what translating a call gives.

Contract: functions raise `Odd` with a reason for what the scenario language cannot say; who
translates a call turns that into a `Listed`.
"""

from dataclasses import dataclass, field
from typing import Final

from corpus.recording import follow, values
from corpus.recording.follow import File, Placed
from corpus.recording.layout import Layout
from corpus.recording.events import Call
from corpus.recording.steps import ERRNO, PAGE, Answer, Step
from simulator import ops

PAGE_SIZE: Final = 4096
TASK_PAGES: Final = 1 << 35  # 47 bits of user addresses on x86-64
WORD_SIZE: Final = PAGE_SIZE // 4  # the model has four words a page
NO_FILE_PAGES: Final = "pages of files other than memory files are not in the model"
NO_OP: Final = "the model has no op for it yet"


@dataclass(frozen=True, slots=True)
class Listed:
    """A call that is not taken. `changed` are pages whose state it changed, as far as it may
    matter later; `stand_ins` keep the layout right."""

    reason: str
    changed: tuple[int, int] | None = None
    stand_ins: tuple[Step, ...] = ()


Translated = list[Step] | Listed


@dataclass(slots=True)
class State:
    """What the kernel keeps between calls."""

    files: list[File]
    layouts: dict[int, Layout] = field(default_factory=dict)
    breaks: dict[int, int] = field(default_factory=dict)  # space -> address
    segments: dict[int, int] = field(default_factory=dict)  # System V id -> pages
    attached: dict[int, int] = field(default_factory=dict)  # page -> pages

    def fork(self, space: int, child: int) -> None:
        self.layouts[child] = self.layouts[space].copy()
        if space in self.breaks:
            self.breaks[child] = self.breaks[space]

    def file(self, file: File) -> int:
        """The number of a file."""
        if file not in self.files:
            self.files.append(file)
        return self.files.index(file)


def small_memfd(file: File | None) -> bool:
    """Whether it is a memory file with as many pages as the model's have."""
    if file is None or file.kind != follow.MEMFD:
        return False
    return 0 < file.size <= ops.MAX_FILE_PAGES * PAGE_SIZE and "HUGETLB" not in file.name


class Odd(Exception):
    """A call that the scenario language cannot say; the text is the reason."""


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


def pages_of(word: str) -> int:
    """Pages of a length, rounded up as the kernel does."""
    length = number_of(word, "length")
    if length == 0:
        raise Odd("the length is 0: scenarios have no empty ranges")
    if not 0 < length <= TASK_PAGES * PAGE_SIZE:
        raise Odd("the range is larger than the address space")
    return -(-length // PAGE_SIZE)


def range_of(first: str, second: str) -> tuple[int, int]:
    start = page_of(first)
    end = start + pages_of(second)
    if end > TASK_PAGES or start < 0:
        raise Odd("the range lies beyond the address space")
    return start, end


def answer_of(call: Call, returns_page: bool = False) -> Answer:
    if call.result.startswith("-"):
        return Answer(ERRNO, 0, call.errno)
    if returns_page:
        return Answer(PAGE, page_of(call.result))
    return Answer.ok()


def step_of(placed: Placed, call: Call, code: int, args: tuple[int, ...], answer: Answer,
          chosen: bool = False, why_not_compared: str = "") -> Step:
    return Step(call.line, placed.space, code, args, str(call), answer, chosen, why_not_compared)
