# SPDX-License-Identifier: MIT
"""Words of one line of scenario text: the kinds of arguments in `simulator.ops`, both ways.

Contract: `parse_args` and `print_args` are inverse to each other for every row of the op
table; they know kinds, never single ops. Refused words raise `Bad` with their column.

Not promised: that `parse_args` sees canonical spelling only (`+0`, flags in another order).
The caller prints what it parsed and compares.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from simulator import ops
from simulator.ops import Arg, OpSpec
from simulator.scenario import ACTOR_NAMES, WORDS_PER_PAGE

# Ten digits hold every number of the language (pages of 47 bits of address space) and keep
# page * WORDS_PER_PAGE far below 2^63, the bound of all model arithmetic.
MAX_DIGITS: Final = 10

_NUMBER: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_SHOWN_CHARS: Final = 40  # of a wrong word in a message: enough to recognise it
_MOST_CHOICES: Final = 40  # listed in a message: all ops fit, all sites would not help


class Bad(Exception):
    """A word that does not fit: its column (from 1) and what would be right."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def shown(word: str) -> str:
    """The word in quotes for a message, cut when long, with odd characters escaped."""
    cut = word if len(word) <= _SHOWN_CHARS else word[:_SHOWN_CHARS] + "..."
    return ascii(cut)


def nearest(word: str, names: Sequence[str]) -> str:
    """`; did you mean X?` or, when nothing is near, the choices if they are few."""
    close = get_close_matches(word[:_SHOWN_CHARS], names, 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; one of: {' '.join(names)}" if len(names) <= _MOST_CHOICES else ""


def number(word: str, column: int, what: str) -> int:
    """A decimal number without sign or leading zeros."""
    if not _NUMBER.fullmatch(word):
        raise Bad(column, f"{what} should be a decimal number, not {shown(word)}")
    if len(word) > MAX_DIGITS:
        raise Bad(column, f"{what} is too large: at most {MAX_DIGITS} digits")
    return int(word)


class Line:
    """A line as a queue of words that know their columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = [(m.start() + 1, m.group()) for m in re.finditer("[^ ]+", text)]
        self._next = 0

    def more(self) -> bool:
        return self._next < len(self._words)

    def peek(self) -> str:
        """The next word, or nothing at the end."""
        return self._words[self._next][1] if self.more() else ""

    def take(self, what: str) -> tuple[int, str]:
        """The next word and its column."""
        if not self.more():
            raise Bad(len(self.text) + 1, f"the line ends where {what} should stand")
        column, word = self._words[self._next]
        self._next += 1
        return column, word

    def number(self, what: str) -> int:
        column, word = self.take(what)
        return number(word, column, what)

    def choice(self, what: str, names: Sequence[str]) -> int:
        """The index of the next word among `names`."""
        column, word = self.take(what)
        if word not in names:
            raise Bad(column, f"unknown {what} {shown(word)}{nearest(word, names)}")
        return names.index(word)

    def keyword(self, right: str) -> None:
        column, word = self.take(f"`{right}`")
        if word != right:
            raise Bad(column, f"`{right}` should stand here, not {shown(word)}")

    def end(self, allowed: Sequence[str] = ()) -> None:
        """Nothing more may stand here; `allowed` are the optional words of this place."""
        if self.more():
            column, word = self.take("")
            hint = nearest(word, allowed) if allowed else ": the line should end before it"
            raise Bad(column, f"unexpected {shown(word)}{hint}")


def parse_args(line: Line, spec: OpSpec) -> tuple[int, ...]:
    """The slots of an op from the rest of its line, which must end there."""
    slots: list[int] = []
    for arg in spec.args:
        if arg.keyword:
            line.keyword(arg.keyword)
        slots += _parse_arg(line, arg, slots)
    last = spec.args[-1] if spec.args else None
    line.end(last.names if last and last.kind == ops.FLAGS else ())
    return tuple(slots)


def print_args(spec: OpSpec, slots: Sequence[int]) -> list[str]:
    """The words of an op's arguments."""
    if len(slots) != spec.slots:
        raise ValueError(f"{spec.name} takes {spec.slots} slots, not {len(slots)}")
    words: list[str] = []
    at = 0
    for arg in spec.args:
        if arg.keyword:
            words.append(arg.keyword)
        words += _print_arg(arg, slots, at)
        at += ops.SLOTS[arg.kind]
    return words


def _parse_arg(line: Line, arg: Arg, before: Sequence[int]) -> list[int]:
    what = arg.name
    match arg.kind:
        case ops.FLAGS:
            mask = 0
            while line.peek() in arg.names:
                mask |= 1 << line.choice(what, arg.names)
            return [mask]
        case ops.ENUM:
            return [line.choice(what, arg.names)]
        case ops.ACTOR | ops.PROCESS:
            return [line.choice(what, ACTOR_NAMES)]
        case ops.PAGE:
            return [line.number(what)]
        case ops.COUNT:
            column, word = line.take(what)
            count = number(word, column, what)
            if not 1 <= count <= arg.limit:
                raise Bad(column, f"{what} should be 1 to {arg.limit}, not {count}")
            return [count]
        case ops.RANGE:
            column, word = line.take(what)
            return _parse_range(column, word, what)
        case ops.DEST:
            column, word = line.take(what)
            if ".." in word:
                return _parse_range(column, word, what)
            start = number(word, column, what)
            return [start, start + before[-1] - before[-2]]
        case ops.WORD:
            column, word = line.take(what)
            return [_parse_word(column, word, what)]
        case ops.HANDLE:
            column, word = line.take(what)
            return [_parse_handle(column, word, arg)]
        case ops.HWORD:
            column, word = line.take(what)
            handle, dot, rest = word.partition(".")
            which = _parse_handle(column, handle, arg)
            return [which * WORDS_PER_PAGE + _word_index(column + len(handle) + 1, dot, rest)]
        case ops.BACKING:
            column, word = line.take(what)
            return _parse_backing(column, word)
    raise NotImplementedError(f"kind of argument {arg.kind!r} has no text form")


def _print_arg(arg: Arg, slots: Sequence[int], at: int) -> list[str]:
    value = slots[at]
    match arg.kind:
        case ops.FLAGS:
            return [name for bit, name in enumerate(arg.names) if value >> bit & 1]
        case ops.ENUM:
            return [arg.names[value]]
        case ops.ACTOR | ops.PROCESS:
            return [ACTOR_NAMES[value]]
        case ops.PAGE | ops.COUNT:
            return [str(value)]
        case ops.RANGE:
            return [f"{value}..{slots[at + 1]}"]
        case ops.DEST:
            same_size = slots[at + 1] - value == slots[at - 1] - slots[at - 2]
            return [str(value) if same_size else f"{value}..{slots[at + 1]}"]
        case ops.WORD:
            return [_dotted("", value)]
        case ops.HANDLE:
            return [f"{arg.names[0]}{value}"]
        case ops.HWORD:
            return [_dotted(arg.names[0], value)]
        case ops.BACKING:
            return [_print_backing(value, slots[at + 1])]
    raise NotImplementedError(f"kind of argument {arg.kind!r} has no text form")


def _parse_range(column: int, word: str, what: str) -> list[int]:
    first, dots, second = word.partition("..")
    if not dots:
        raise Bad(column, f"{what} should look like 16..32, not {shown(word)}")
    start = number(first, column, f"start of {what}")
    at_end = column + len(first) + len(dots)
    end = number(second, at_end, f"end of {what}")
    if end < start:
        raise Bad(at_end, f"{what} ends before it starts: the end is exclusive, {start} or more")
    return [start, end]


def _parse_word(column: int, word: str, what: str) -> int:
    page, dot, rest = word.partition(".")
    at_word = column + len(page) + 1
    return number(page, column, what) * WORDS_PER_PAGE + _word_index(at_word, dot, rest)


def _word_index(column: int, dot: str, rest: str) -> int:
    if not dot:
        return 0
    if rest not in ("0", "1", "2", "3"):
        last = WORDS_PER_PAGE - 1
        raise Bad(column, f"a page has the words 0 to {last}, not {shown(rest)}")
    return int(rest)


def _dotted(letter: str, value: int) -> str:
    which, word = divmod(value, WORDS_PER_PAGE)
    return f"{letter}{which}.{word}" if word else f"{letter}{which}"


def _parse_handle(column: int, word: str, arg: Arg) -> int:
    letter = arg.names[0]
    if not word.startswith(letter):
        raise Bad(column, f"{arg.name} should look like {letter}0, not {shown(word)}")
    which = number(word[len(letter) :], column + len(letter), f"number of {arg.name}")
    if which >= arg.limit:
        raise Bad(column, f"{arg.name} should be {letter}0 to {letter}{arg.limit - 1}")
    return which


def _parse_backing(column: int, word: str) -> list[int]:
    if word == "anon":
        return [0, 0]
    letter, (digits, plus, pages) = word[:1], word[1:].partition("+")
    first, limit = {"f": (1, ops.NR_FILES), "x": (ops.FIRST_OTHER_FILE, ops.NR_OTHER_FILES)}.get(
        letter, (0, 0)
    )
    if not limit:
        raise Bad(column, f"backing should be anon, f0, f0+3 or x1+8, not {shown(word)}")
    which = number(digits, column + 1, "number of the file")
    if which >= limit:
        raise Bad(column, f"backing should be {letter}0 to {letter}{limit - 1}")
    at_offset = column + 1 + len(digits) + 1
    return [first + which, number(pages, at_offset, "offset in pages") if plus else 0]


def _print_backing(value: int, offset: int) -> str:
    if value == 0:
        return "anon"
    other = value >= ops.FIRST_OTHER_FILE
    name = f"x{value - ops.FIRST_OTHER_FILE}" if other else f"f{value - 1}"
    return f"{name}+{offset}" if offset else name
