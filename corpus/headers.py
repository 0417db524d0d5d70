# SPDX-License-Identifier: MIT
"""Headers of scenario text: `# title: migrate_vma loses a concurrent zap`.

Contract: the names, their order, and what each value may be. `check` refuses everything
else with a remedy; it serves reading and printing alike.
"""

import re
from typing import Final

from corpus.words import nearest, shown
from simulator import oracles

MAGIC: Final = "# mmfarm scenario 1"  # the first line; the number is the format's version
NAMES: Final = ("title", "category", "requires", "expect", "origin")  # canonical order
CLEAN: Final = "clean"  # the value of `expect` when no oracle speaks

_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_FUNCTION: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ORIGIN: Final = re.compile(r"farm|(seed|strace|perf|syz):[^ ]+")


def check(name: str, value: str) -> str:
    """Why this header is wrong and what would be right, or nothing."""
    if name not in NAMES:
        return f"unknown header {shown(name)}{nearest(name, NAMES)}"
    if not value:
        return f"header {name} is empty: give it a value or remove the line"
    if not value.isprintable() or value != value.strip():
        return f"header {name} should be one line of printable characters"
    words = value.split(" ")
    match name:
        case "category" if not _WORD.fullmatch(value):
            return "category should be one lower-case word, a category of run_vmtests.sh"
        case "requires" if not all(_WORD.fullmatch(word) for word in words):
            return "requires should be lower-case words with one space between"
        case "expect" if value != CLEAN and not _is_signature(words):
            return "expect should be `clean` or `ORACLE CULPRIT OBJECT-CLASS`"
        case "expect" if value != CLEAN and words[0] not in oracles.NAMES:
            return f"unknown oracle {shown(words[0])}{nearest(words[0], oracles.NAMES)}"
        case "origin" if not _ORIGIN.fullmatch(value):
            return "origin should be farm, seed:NAME, strace:NAME, perf:NAME or syz:NAME"
    return ""


def _is_signature(words: list[str]) -> bool:
    """(oracle, culprit, object class), as `simulator.outcome.Signature` prints it."""
    if len(words) != 3:
        return False
    oracle, culprit, object_class = words
    return bool(
        _WORD.fullmatch(oracle) and _FUNCTION.fullmatch(culprit) and _WORD.fullmatch(object_class)
    )
