# SPDX-License-Identifier: MIT
"""The text of syzkaller programs.

Contract: `parse` reads the syntax of prog/encoding.go, of today and of 2017: lines
`r0 = call$variant(arguments) (async, fail_nth: N, rerun: N) # comment`, comments, and headers
`#{"threaded":true}` or `#{Threaded:true}`. Lines that do not parse are kept in `odd_lines` with
column and reason. A file in which no line is a call raises `RecordingError`.

Not promised: that syzkaller's descriptions know the call, or that its arguments fit them.
"""

import re
from pathlib import Path
from typing import Final

from corpus.recording.events import RecordingError, read_text
from corpus.syz.program import (
    DATA_BASE,
    PAGE_SIZE,
    TEXT_BASE,
    Bound,
    Data,
    Group,
    Nothing,
    Number,
    Pointer,
    Program,
    ProgramCall,
    Result,
    Value,
)

MAX_PROGRAM_BYTES: Final = 4 << 20  # programs with a file system image have some 100 kB
_MAX_DEPTH: Final = 64  # of nested structures; real ones have less than ten
_SHOWN: Final = 30  # characters of a bad place in a message

_CALL: Final = re.compile(r"(?:(r\d+) *= *)?([a-zA-Z_]\w*)(?:\$([\w$]*))?\(")
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]+|\d+", re.ASCII)
_RESULT: Final = re.compile(
    r"(r\d+)(?:/(0x[0-9a-fA-F]+|\d+))?(?:\+(0x[0-9a-fA-F]+|\d+))?", re.ASCII
)
_BOUND: Final = re.compile(r"<(r\d+)=>")
_ADDRESS: Final = re.compile(
    r"&\((0x[0-9a-fA-F]+)(?:([-+])(0x[0-9a-fA-F]+))?"
    r"(?:/(0x[0-9a-fA-F]+))?\)|&AUTO"
)
_HEX: Final = re.compile(r'"((?:[0-9a-fA-F]{2})*)"')
_COMPRESSED: Final = re.compile(r'"\$[A-Za-z0-9+/=]*"|"<<IMAGE>>"')
_TEXT: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED: Final = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_UNION: Final = re.compile(r"@(\w+)(=)?")
_WORD: Final = re.compile(r"nil|AUTO")
_PROPERTIES: Final = re.compile(r" *\(([^()]*)\)")
_COMMENT: Final = re.compile(r" *(?:#(.*))?")
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_OPTION: Final = re.compile(r'"?([A-Za-z_]+)"? ?: ?"?([^",} ]*)"?')


class _Bad(Exception):
    """Text that is no call, with the place."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(f"column {at + 1}: {message}")


def load(path: Path) -> Program:
    """The program in a file. Raises OSError for what is not readable."""
    return parse(read_text(path, MAX_PROGRAM_BYTES, "the text of a syzkaller program"), str(path))


def parse(text: str, name: str = "<program>") -> Program:
    """The program that `text` is."""
    program = Program(name)
    for at, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if line.startswith("#"):
            body = line[1:].strip()
            if body.startswith("{") and not program.options:
                program.options = {
                    key.lower().replace("_", ""): value for key, value in _OPTION.findall(body)
                }
        elif line:
            try:
                program.calls.append(_Line(at, line).call())
            except _Bad as bad:
                program.odd_lines.append((at, str(bad)))
    if not program.calls:
        first, message = program.odd_lines[0] if program.odd_lines else (1, "it is empty")
        raise RecordingError(
            f"{name}:{first}: no line of this is a call of a syzkaller program "
            f"such as `munmap(&(0x7f0000000000/0x1000)=nil, 0x1000)`: {message}"
        )
    return program


class _Line:
    """One line, read from left to right."""

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        self.text = text
        self.at = 0

    def call(self) -> ProgramCall:
        head = self.take(_CALL)
        if not head:
            raise _Bad(0, "no call")
        arguments = self.values(")", 0)
        properties: dict[str, int] = {}
        found = self.take(_PROPERTIES)
        if found:
            properties = _properties(found)
        comment = _COMMENT.fullmatch(self.text, self.at)
        if not comment:
            raise _Bad(self.at, f"text behind the call: {self.rest()}")
        return ProgramCall(
            self.number,
            head[2],
            head[3] or "",
            arguments,
            head[1] or "",
            "async" in properties,
            properties.get("fail_nth", 0),
            properties.get("rerun", 0),
            (comment[1] or "").strip(),
        )

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def rest(self) -> str:
        return self.text[self.at : self.at + _SHOWN] or "the line ends"

    def values(self, end: str, depth: int) -> tuple[Value, ...]:
        """Values with commas between them, up to the bracket `end`."""
        found: list[Value] = []
        while True:
            self.blanks()
            if self.text[self.at : self.at + 1] == end:
                self.at += 1
                return tuple(found)
            found.append(self.value(depth))
            self.blanks()
            char = self.text[self.at : self.at + 1]
            if char == ",":
                self.at += 1
            elif char != end:
                raise _Bad(self.at, f"here belongs `,` or `{end}`: {self.rest()}")

    def blanks(self) -> None:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1

    def value(self, depth: int) -> Value:
        begin = self.at
        if depth > _MAX_DEPTH:
            raise _Bad(begin, f"structures nested more than {_MAX_DEPTH} deep")
        match self.text[begin : begin + 1]:
            case "<":
                bound = self.take(_BOUND)
                if bound:
                    return Bound(bound[1], self.value(depth + 1))
            case "r":
                result = self.take(_RESULT)
                if result:
                    div, add = (_number(word or "0", begin) for word in (result[2], result[3]))
                    return Result(result[1], div, add)
            case "&":
                address = self.take(_ADDRESS)
                if address:
                    return self.pointer(address, depth)
            case '"' | "'":
                return self.data()
            case "{" | "[" as bracket:
                self.at += 1
                return Group(self.values("}" if bracket == "{" else "]", depth + 1))
            case "@":
                union = self.take(_UNION)
                if union:
                    return self.value(depth + 1) if union[2] else Nothing()
            case _:
                number = self.take(_NUMBER)
                if number:
                    return Number(_number(number[0], begin))
                if self.take(_WORD):
                    return Nothing()
        raise _Bad(begin, f"no value: {self.text[begin : begin + _SHOWN] or 'the line ends'}")

    def pointer(self, match: re.Match[str], depth: int) -> Pointer:
        address, size = DATA_BASE, 0
        if match[1]:
            offset = int(match[3] or "0", 16)
            address += int(match[1], 16) - TEXT_BASE + (-offset if match[2] == "-" else offset)
            size = int(match[4] or "0", 16)
        if size:  # a vma, which syzkaller aligns
            address &= -PAGE_SIZE
        to: Value | None = None
        if self.text[self.at : self.at + 1] == "=":
            self.at += 1
            if self.text.startswith("ANY=", self.at):
                self.at += len("ANY=")
            to = self.value(depth + 1)
        return Pointer(address, size, to)

    def data(self) -> Data:
        content: bytes | None = None
        if self.take(_COMPRESSED):
            return Data(None, 0)
        match = self.take(_HEX)
        if match:
            content = bytes.fromhex(match[1])
        else:
            match = self.take(_TEXT)
            if not match:
                raise _Bad(self.at, f"a string that does not end, or has odd digits: {self.rest()}")
            content = _ESCAPE.sub(_unescape, match[1].encode("utf-8", "surrogateescape"))
        size = len(content)
        if self.text[self.at : self.at + 1] == "/":
            self.at += 1
            number = self.take(_NUMBER)
            if not number:
                raise _Bad(self.at, f"the size of a buffer is no number: {self.rest()}")
            size = _number(number[0], self.at)
            if not content:
                return Data(None, size)
        return Data(content, size)


def _number(word: str, at: int) -> int:
    if len(word) > 20:
        raise _Bad(at, f"a number of more than 64 bits: {word[:_SHOWN]}")
    return int(word, 16 if word.startswith("0x") else 10)


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _ESCAPED.get(code, code)


def _properties(match: re.Match[str]) -> dict[str, int]:
    """`(async, rerun: 32)` by name; those of syzkaller that change nothing here too."""
    found: dict[str, int] = {}
    for word in match[1].split(","):
        name, _, value = word.partition(":")
        name, value = name.strip(), value.strip()
        known = name in ("async", "fail_nth", "rerun", "remote")
        if not known or value and not _COUNT.fullmatch(value):
            raise _Bad(match.start(1), f"an unknown property of a call: {word.strip()[:_SHOWN]}")
        found[name] = int(value or "1")
    return found
