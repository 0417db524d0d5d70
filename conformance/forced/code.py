# SPDX-License-Identifier: MIT
"""The code of a kernel build: where its functions are, and the instructions in them.

Contract: `Code` answers from a table of symbols, the text as it runs, and, where there is debug
information, the scopes of inlined functions. Without it a function that the compiler has
inlined everywhere is not there. Instructions come from binutils' objdump; `CodeError` says what
is missing. Copies that the compiler makes of a function (`.isra`, `.constprop`, `.part`,
`.cold`) are the function.
"""

import bisect
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from conformance.forced.dwarf import Scope

OBJDUMP: Final = "objdump"
OBJDUMP_SECONDS: Final = 60
MAX_FUNCTION_BYTES: Final = 64 << 10  # of a symbol whose end is not known
_CLONE: Final = re.compile(r"\.(isra|constprop|part|cold|llvm)\b.*")
_LINE: Final = re.compile(r"^ *([0-9a-f]+):\t(.*)$")
_TARGET: Final = re.compile(r"(?:call|jmp)\w*\s+0x([0-9a-f]+)")


class CodeError(Exception):
    """The code cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """`text` is objdump's, in AT&T's notation: the destination comes last."""

    address: int
    text: str
    target: str = ""  # of a direct call or jump to a function: its name

    @property
    def is_call(self) -> bool:
        return self.text.startswith("call")


class Symbols:
    """Functions of the kernel, without its modules."""

    def __init__(self, kallsyms: str) -> None:
        found: list[tuple[int, str]] = []
        for line in kallsyms.splitlines():
            number, kind, name, *module = line.split()
            address = int(number, 16)
            if kind in "tTwW" and not module and address >> 63:
                found.append((address, name))
        found.sort()
        self._starts = [start for start, _ in found]
        self._names = [name for _, name in found]
        self._by_name: dict[str, list[int]] = {}
        for address, name in found:
            self._by_name.setdefault(_CLONE.sub("", name), []).append(address)

    def ranges(self, function: str) -> list[tuple[int, int]]:
        """Of the function and of all its copies, the function itself first."""
        return [(start, self.end(start)) for start in self._by_name.get(function, [])]

    def end(self, start: int) -> int:
        after = bisect.bisect_right(self._starts, start)
        if after == len(self._starts):
            return start + MAX_FUNCTION_BYTES
        return min(self._starts[after], start + MAX_FUNCTION_BYTES)

    def at(self, address: int) -> str:
        """The function that has the address, without a copy's suffix; empty if none has."""
        before = bisect.bisect_right(self._starts, address) - 1
        return _CLONE.sub("", self._names[before]) if before >= 0 else ""

    def starting_at(self, address: int) -> list[str]:
        """All names of the function that begins there."""
        first = bisect.bisect_left(self._starts, address)
        last = bisect.bisect_right(self._starts, address)
        return [_CLONE.sub("", name) for name in self._names[first:last]]


class Code:
    """`read` gives so many bytes of text from an address on."""

    def __init__(
        self, symbols: Symbols, read: Callable[[int, int], bytes], scopes: Iterable[Scope] = ()
    ) -> None:
        self.symbols = symbols
        self._read = read
        self._scopes: dict[str, list[Scope]] = {}
        for scope in scopes:
            self._scopes.setdefault(scope.name, []).append(scope)
        self._functions: dict[tuple[int, int], list[Instruction]] = {}

    def scopes(self, path: tuple[str, ...]) -> list[Scope]:
        """The code of the last function of the path, within the others in that order."""
        if self._scopes:
            found = [
                scope for scope in self._scopes.get(path[-1], ()) if _within(path, scope.chain)
            ]
            if found:
                return found
        if len(path) > 1:
            return []
        return [Scope(path, (part,), part[0]) for part in self.symbols.ranges(path[0])]

    def has(self, function: str) -> bool:
        return bool(self.scopes((function,)))

    def instructions(self, scope: Scope) -> list[Instruction]:
        """By address."""
        return [
            instruction
            for start, end in sorted(scope.ranges)
            for instruction in self._disassembled(start, end)
        ]

    def _disassembled(self, start: int, end: int) -> list[Instruction]:
        """Ranges of inlined functions begin and end at instructions."""
        if end <= start:
            return []
        key = (start, end)
        if key not in self._functions:
            self._functions[key] = _disassemble(self._read(start, end - start), start, self.symbols)
        return self._functions[key]


def _within(path: tuple[str, ...], chain: tuple[str, ...]) -> bool:
    """Whether the chain ends with the path's last function and has the others in order."""
    if _CLONE.sub("", chain[-1]) != path[-1]:
        return False
    rest = iter(chain[:-1])
    return all(any(name == wanted for name in rest) for wanted in path[:-1])


def _disassemble(data: bytes, start: int, symbols: Symbols) -> list[Instruction]:
    if shutil.which(OBJDUMP) is None:
        raise CodeError(f"no {OBJDUMP} (Debian: apt-get install binutils)")
    with tempfile.NamedTemporaryFile(prefix="mmfarm-text-") as file:
        file.write(data)
        file.flush()
        done = subprocess.run(
            [
                OBJDUMP,
                "-D",
                "-b",
                "binary",
                "-m",
                "i386:x86-64",
                "--no-show-raw-insn",
                f"--adjust-vma={start:#x}",
                file.name,
            ],
            capture_output=True,
            text=True,
            timeout=OBJDUMP_SECONDS,
            check=False,
        )
    if done.returncode:
        raise CodeError(f"{OBJDUMP} failed: {done.stderr.strip()[-300:]}")
    found = []
    for line in done.stdout.splitlines():
        match = _LINE.match(line)
        if match:
            text = " ".join(match[2].split())
            target = _TARGET.match(text)
            names = symbols.starting_at(int(target[1], 16)) if target else []
            found.append(Instruction(int(match[1], 16), text, names[0] if names else ""))
    return found
