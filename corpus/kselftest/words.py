# SPDX-License-Identifier: MIT
"""Words of a scenario inside of C: identifiers, comments, lines of a decent length.

Contract: whatever a title or a file's name holds, `identifier` is one and `comment` is one
comment, in ASCII, that no compiler warns about. `wrapped` breaks a statement where the kernel's
style does, and changes nothing but white space.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

COLUMNS: Final = 100
TAB: Final = 8
MAX_NAME: Final = 60

_STRANGE: Final = re.compile(r"[^A-Za-z0-9 .,:;()\[\]<>=+_#@!'\"%&|~^*/-]", re.ASCII)


def identifier(name: str) -> str:
    """Part of a C identifier for a file's name; different names may get the same."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower(), flags=re.ASCII).strip("_")[:MAX_NAME]
    return found.strip("_") or "unnamed"


def unique(name: str, taken: set[str]) -> str:
    """The name, or the name with a number, that is not taken yet; now it is."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


def harmless(words: str) -> str:
    """Text that can stand in a comment: it neither ends nor begins one, nor joins lines."""
    return re.sub(r"(?<=[*/])(?=[*/])", " ", _STRANGE.sub("?", words)).replace("??", "? ?")


def comment(paragraphs: Sequence[str], indent: str = "") -> str:
    """A comment with a line for each of the paragraphs, or more where they are long."""
    width = COLUMNS - TAB * len(indent) - 6
    lines = [line for words in paragraphs for line in textwrap.wrap(harmless(words), width) or [""]]
    if len(lines) == 1:
        return f"{indent}/* {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/*\n{body}{indent} */\n"


def wrapped(statement: str, indent: str) -> str:
    """The statement on lines of at most COLUMNS where it can be broken: behind a comma, or else
    behind an operator. What follows is aligned to the open parenthesis."""
    lines: list[str] = []
    line = indent
    opened: list[int] = []  # columns behind the open parentheses
    for piece in _pieces(statement):
        if opened and line.strip() and _columns((line + piece).rstrip()) > COLUMNS:
            lines.append(line.rstrip())
            line = _to_column(opened[-1])
        for character in piece:
            line += character
            if character == "(":
                opened.append(_columns(line))
            elif character == ")":
                opened.pop()
    return "\n".join([*lines, line.rstrip()]) + "\n"


def _pieces(statement: str) -> Iterator[str]:
    """What should stay on one line."""
    for argument in re.split(r"(?<=, )", statement):
        if len(argument) <= COLUMNS // 2:
            yield argument
        else:
            yield from re.split(r"(?<=\| )", argument)


def _columns(line: str) -> int:
    return len(line.expandtabs(TAB))


def _to_column(column: int) -> str:
    return "\t" * (column // TAB) + " " * (column % TAB)
