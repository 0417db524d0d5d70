# SPDX-License-Identifier: MIT
"""How verbs write: JSON, aligned tables, colour only where a person sees it.

Contract: data goes to stdout; colour is used only on a terminal and never with NO_COLOR set
(https://no-color.org) or TERM=dumb; JSON is sorted and ends with a newline.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Final

# The few meanings that colour has here, as ANSI attributes.
BAD: Final = "31"
GOOD: Final = "32"
DIM: Final = "2"
BOLD: Final = "1"


def colourful() -> bool:
    """Whether stdout may be coloured."""
    return (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
    )


def paint(text: str, attribute: str) -> str:
    """The text in one of the meanings above, plain where colour is not wanted."""
    return f"\x1b[{attribute}m{text}\x1b[0m" if colourful() else text


def plain(text: str, attribute: str) -> str:
    """`paint` for what goes into files."""
    return text


def write(text: str) -> None:
    """Text to stdout with exactly one newline at its end."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def write_json(value: object) -> None:
    """One JSON document to stdout."""
    write(json_text(value))


def json_text(value: object) -> str:
    """The one form in which JSON leaves mmfarm."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def table(rows: Sequence[Sequence[str]], heading: Sequence[str] = ()) -> str:
    """Rows in aligned columns, below a bold heading if there is one."""
    everything = [heading, *rows] if heading else list(rows)
    if not everything:
        return ""
    widths = [max(len(row[i]) for row in everything) for i in range(len(everything[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    ]
    if heading:
        lines[0] = paint(lines[0], BOLD)
    return "\n".join(lines)


def fields(pairs: Sequence[tuple[str, str]]) -> str:
    """`name  value` lines with the values aligned; a value may have several lines."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(
        f"{name.ljust(width)}  {value.replace(chr(10), chr(10) + ' ' * (width + 2))}"
        for name, value in pairs
    )
