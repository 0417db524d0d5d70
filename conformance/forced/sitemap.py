# SPDX-License-Identifier: MIT
"""From a site of the model to addresses in one build of the kernel, by ordered rules.

Contract: a rule is text, and names a place in the code:

    F                 where F is entered
    F@call:G#k        the k-th call of G in F, by address; without #k all of them
    F@ret:G#k         where that call returns to
    F~ACCESS#k        the k-th instruction in F that is such an access
    F~ACCESS+#k       the one after it
    F>G               instead of F: the code of G where it is inlined into F
    RULE & RULE       all that both find

G may be several names, G|H. ACCESS is `xchg`, `lock`, `cmpxchg`, `store`, `load`, `and`, or a
mnemonic. Of a site's rules the first that finds anything wins, and all that it finds are the
site: code that the compiler has copied is passed at one of the copies.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.forced.code import Code, Instruction

_RULE: Final = re.compile(
    r"(?P<path>[\w>]+)(?:@(?P<side>call|ret):(?P<names>[\w|]+)|~(?P<access>\w+)(?P<past>\+)?)?(?:#(?P<k>[0-9]+))?"
)
_BOTH: Final = " & "
# The destination comes last; a store to the stack is none that anybody else sees.
_STORE: Final = re.compile(r"(?:mov\w*|and\w*|or\w*|bt\w*) .*,\s*-?(?:0x[0-9a-f]+)?\((?!%rsp|%rbp)")
_LOAD: Final = re.compile(r"mov\w* -?(?:0x[0-9a-f]+)?\((?!%rsp|%rbp)[^)]*\),%\w+$")


class RuleError(Exception):
    """A rule that is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site is: the rule that found it, and the addresses."""

    rule: str
    addresses: tuple[int, ...]


def place(code: Code, rules: Sequence[str]) -> Place | None:
    """The site of these rules in this build; None when it is not there."""
    for rule in rules:
        parts = rule.split(_BOTH)
        addresses = tuple(sorted({at for part in parts for at in _found(code, part)}))
        if addresses:
            return Place(rule, addresses)
    return None


def check(rule: str) -> None:
    """Raises RuleError."""
    for part in rule.split(_BOTH):
        if not _RULE.fullmatch(part):
            raise RuleError(f"{rule}: not a rule; see conformance/forced/sitemap.py")


def _found(code: Code, rule: str) -> Iterable[int]:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise RuleError(f"{rule}: not a rule; see conformance/forced/sitemap.py")
    path = tuple(match["path"].split(">"))
    k = int(match["k"] or 0)
    for scope in code.scopes(path):
        if match["side"]:
            names = match["names"].split("|")
            found = _calls(code.instructions(scope), names, after=match["side"] == "ret")
        elif match["access"]:
            past = match["past"] is not None
            found = _accesses(code.instructions(scope), match["access"], after=past)
        else:
            if not scope.chain[-1].endswith(".cold"):
                yield scope.entry
            continue
        if k:
            yield from found[k - 1 : k]
        else:
            yield from found


def _calls(instructions: Sequence[Instruction], names: Sequence[str], *, after: bool) -> list[int]:
    """Addresses of calls of one of these functions, or of what comes after them."""
    found = []
    for i, instruction in enumerate(instructions):
        if instruction.target in names and instruction.text.startswith(("call", "jmp")):
            if not after:
                found.append(instruction.address)
            elif i + 1 < len(instructions):
                found.append(instructions[i + 1].address)
    return found


def _accesses(instructions: Sequence[Instruction], access: str, *, after: bool) -> list[int]:
    """Addresses of such instructions, or of what comes after them."""
    there = [i for i, each in enumerate(instructions) if _is(each.text, access)]
    return [instructions[i + after].address for i in there if i + after < len(instructions)]


def _is(text: str, access: str) -> bool:
    word = text.partition(" ")[0]
    if access == "store":
        return _STORE.match(text) is not None
    if access == "load":
        return _LOAD.match(text) is not None
    if access == "lock":
        return word == "lock"
    if access == "cmpxchg":
        return "cmpxchg" in text
    if access == "call":
        return word == "call"
    return word.startswith(access)
