# SPDX-License-Identifier: MIT
"""Which code belongs to which function, inlined ones too, out of a vmlinux's DWARF 5.

Contract: `scopes` reads the units of some source files and gives every function's code in them
as a `Scope`: its name, the names of the functions that it is inlined into, and its ranges of
addresses. Only what that takes is read: a kernel has some 250 MB of DIEs, of which the units of
mm are 5 %, and all but functions are skipped by size; a general reader of DWARF takes minutes.

Not promised: units of another version of DWARF than 5, which assembly and Rust may have, are
passed over; 64-bit DWARF; another architecture than x86-64.
"""

import mmap
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TAG_INLINED: Final = 0x1D
_TAG_SUBPROGRAM: Final = 0x2E
_AT_NAME: Final = 0x03
_AT_LOW_PC: Final = 0x11
_AT_HIGH_PC: Final = 0x12
_AT_ABSTRACT_ORIGIN: Final = 0x31
_AT_SPECIFICATION: Final = 0x47
_AT_ENTRY_PC: Final = 0x52
_AT_RANGES: Final = 0x55
_AT_RNGLISTS_BASE: Final = 0x74
_AT_ADDR_BASE: Final = 0x73
_KEPT: Final = frozenset(
    (
        _AT_NAME,
        _AT_LOW_PC,
        _AT_HIGH_PC,
        _AT_ABSTRACT_ORIGIN,
        _AT_SPECIFICATION,
        _AT_ENTRY_PC,
        _AT_RANGES,
    )
)
_UT_COMPILE: Final = 1
# Sizes of forms that have one. 0: read otherwise.
_FIXED: Final = {
    0x01: 8,
    0x05: 2,
    0x06: 4,
    0x07: 8,
    0x0B: 1,
    0x0C: 1,
    0x0E: 4,
    0x11: 1,
    0x12: 2,
    0x13: 4,
    0x14: 8,
    0x17: 4,
    0x19: 0,
    0x1E: 16,
    0x1F: 4,
    0x20: 8,
    0x21: 0,
    0x25: 1,
    0x26: 2,
    0x28: 4,
    0x29: 1,
    0x2A: 2,
    0x2C: 4,
}
_FORM_ADDR: Final = 0x01
_FORM_STRING: Final = 0x08
_FORM_STRP: Final = 0x0E
_FORM_LINE_STRP: Final = 0x1F
_FORM_IMPLICIT: Final = 0x21
_ULEBS: Final = frozenset((0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23))
_BLOCKS: Final = {0x09: 0, 0x18: 0, 0x0A: 1, 0x03: 2, 0x04: 4}  # 0: the size is a LEB
_REFERENCES: Final = frozenset((0x11, 0x12, 0x13, 0x14, 0x15))  # within the unit


class DwarfError(Exception):
    """Not what is read here; the message says what it is."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The code of one function at one place. `chain` are the functions around it, outermost
    first, and itself; `ranges` are [start, end) and `entry` is where it is entered, 0 if that is
    not said."""

    chain: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    entry: int = 0

    @property
    def name(self) -> str:
        return self.chain[-1]


@dataclass(frozen=True, slots=True)
class _Abbreviation:
    tag: int
    children: bool
    attributes: tuple[tuple[int, int, int], ...]  # attribute, form, implicit constant
    size: int  # of all attributes; -1 when it has to be read


def scopes(vmlinux: Path, files: Sequence[str]) -> Iterator[Scope]:
    """All functions' code in the units of these source files. Raises DwarfError and OSError."""
    with open(vmlinux, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield from _Reader(data).scopes(frozenset(files))


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = _sections(data)
        for name in (".debug_info", ".debug_abbrev", ".debug_str"):
            if name not in self._at:
                raise DwarfError(f"no {name}: this vmlinux has no debug information")

    def scopes(self, files: frozenset[str]) -> Iterator[Scope]:
        at, size = self._at[".debug_info"]
        end = at + size
        while at < end:
            length, version, kind, address_size, abbreviations = struct.unpack_from(
                "<IHBBI", self._data, at
            )
            if version == 5 and address_size == 8 and kind == _UT_COMPILE:
                unit = _Unit(self, at, at + 4 + length, abbreviations)
                if unit.source.removeprefix("./") in files or _tail(unit.source) in files:
                    yield from unit.scopes()
            at += 4 + length

    @property
    def data(self) -> mmap.mmap:
        return self._data

    def start(self, section: str) -> int:
        return self._at[section][0]

    def string(self, section: str, offset: int) -> str:
        start = self.start(section) + offset
        return self._data[start : self._data.find(b"\0", start)].decode()

    def abbreviations(self, offset: int) -> dict[int, _Abbreviation]:
        data = self._data
        at = self.start(".debug_abbrev") + offset
        found: dict[int, _Abbreviation] = {}
        while True:
            code, at = _uleb(data, at)
            if not code:
                return found
            tag, at = _uleb(data, at)
            children = data[at] == 1
            at += 1
            attributes: list[tuple[int, int, int]] = []
            size = 0
            while True:
                attribute, at = _uleb(data, at)
                form, at = _uleb(data, at)
                constant = 0
                if form == _FORM_IMPLICIT:
                    constant, at = _uleb(data, at)
                if not attribute and not form:
                    break
                attributes.append((attribute, form, constant))
                if size >= 0 and form in _FIXED:
                    size += _FIXED[form]
                else:
                    size = -1
            found[code] = _Abbreviation(tag, children, tuple(attributes), size)

    def ranges(self, offset: int, base: int) -> Iterator[tuple[int, int]]:
        """A list of .debug_rnglists."""
        data = self._data
        at = self.start(".debug_rnglists") + offset
        while True:
            kind = data[at]
            at += 1
            if kind == 0:
                return
            if kind == 5:
                (base,) = struct.unpack_from("<Q", data, at)
                at += 8
                continue
            if kind == 4:
                first, at = _uleb(data, at)
                second, at = _uleb(data, at)
                yield base + first, base + second
            elif kind == 6:
                yield struct.unpack_from("<QQ", data, at)
                at += 16
            elif kind == 7:
                (first,) = struct.unpack_from("<Q", data, at)
                length, at = _uleb(data, at + 8)
                yield first, first + length
            else:
                raise DwarfError(f"a range list with entries of kind {kind}")


class _Unit:
    def __init__(self, reader: _Reader, start: int, end: int, abbreviations: int) -> None:
        self._reader = reader
        self._start = start
        self._end = end
        self._abbreviations = reader.abbreviations(abbreviations)
        code, at = _uleb(reader.data, start + 12)
        values, self._first = self._read(self._abbreviations[code], at, lambda _: True)
        self.source = str(values.get(_AT_NAME, ""))
        self._low = int(values.get(_AT_LOW_PC, 0))
        self._names: dict[int, str] = {}

    def scopes(self) -> Iterator[Scope]:
        """By walking all DIEs once, with the functions around on a stack."""
        data = self._reader.data
        at = self._first
        stack: list[tuple[str, ...]] = [()]
        while at < self._end:
            code = data[at]
            if code < 0x80:
                at += 1
            else:
                code, at = _uleb(data, at)
            if not code:
                stack.pop()
                continue
            abbreviation = self._abbreviations[code]
            chain = stack[-1] if stack else ()
            if abbreviation.tag in (_TAG_SUBPROGRAM, _TAG_INLINED):
                values, at = self._read(abbreviation, at, _KEPT.__contains__)
                ranges = tuple(self._ranges(values))
                if ranges:
                    chain = (*chain, self._name(values))
                    yield Scope(chain, ranges, self._entry(values, ranges))
            elif abbreviation.size >= 0:
                at += abbreviation.size
            else:
                _, at = self._read(abbreviation, at, lambda _: False)
            if abbreviation.children:
                stack.append(chain)

    def _ranges(self, values: dict[int, int | str]) -> Iterator[tuple[int, int]]:
        if _AT_RANGES in values:
            yield from self._reader.ranges(int(values[_AT_RANGES]), self._low)
        elif _AT_HIGH_PC in values:
            low = int(values[_AT_LOW_PC])
            yield low, low + int(values[_AT_HIGH_PC])

    @staticmethod
    def _entry(values: dict[int, int | str], ranges: tuple[tuple[int, int], ...]) -> int:
        """DW_AT_entry_pc as an address or as an offset from the lowest; else DW_AT_low_pc."""
        entry = int(values.get(_AT_ENTRY_PC, -1))
        if entry < 0:
            return int(values.get(_AT_LOW_PC, ranges[0][0]))
        return entry if entry > 0xFFFFFFFF else int(values.get(_AT_LOW_PC, ranges[0][0])) + entry

    def _name(self, values: dict[int, int | str]) -> str:
        """Its own, or that of its abstract instance or declaration."""
        if _AT_NAME in values:
            return str(values[_AT_NAME])
        at = int(values.get(_AT_ABSTRACT_ORIGIN, values.get(_AT_SPECIFICATION, 0)))
        if not at:
            return ""
        if at not in self._names:
            code, after = _uleb(self._reader.data, at)
            inner, _ = self._read(self._abbreviations[code], after, _KEPT.__contains__)
            self._names[at] = self._name(inner)
        return self._names[at]

    def _read(
        self, abbreviation: _Abbreviation, at: int, wanted: Callable[[int], bool]
    ) -> tuple[dict[int, int | str], int]:
        """The wanted attributes' values, and where the DIE ends."""
        data = self._reader.data
        values: dict[int, int | str] = {}
        for attribute, form, constant in abbreviation.attributes:
            value: int | str
            begin = at
            size = _FIXED.get(form)
            if size is not None:
                at += size
                if not wanted(attribute):
                    continue
                value = (
                    constant if form == _FORM_IMPLICIT else int.from_bytes(data[begin:at], "little")
                )
                if form == _FORM_STRP:
                    value = self._reader.string(".debug_str", value)
                elif form == _FORM_LINE_STRP:
                    value = self._reader.string(".debug_line_str", value)
            elif form in _ULEBS:
                value, at = _uleb(data, at)
            elif form in _BLOCKS:
                width = _BLOCKS[form]
                if width:
                    length = int.from_bytes(data[at : at + width], "little")
                    at += width
                else:
                    length, at = _uleb(data, at)
                at += length
                continue
            elif form == _FORM_STRING:
                at = data.find(b"\0", at) + 1
                value = data[begin : at - 1].decode()
            else:
                raise DwarfError(f"a form {form:#x}")
            if wanted(attribute):
                if form in _REFERENCES:
                    value = int(value) + self._start
                values[attribute] = value
        return values, at


def _sections(data: mmap.mmap) -> dict[str, tuple[int, int]]:
    """Offset and size of the sections of an ELF file by their names."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise DwarfError("no ELF file of 64 bits")
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    strings = rows[names][4]
    found: dict[str, tuple[int, int]] = {}
    for name, _, flags, _, offset, length in rows:
        start = strings + name
        text = data[start : data.find(b"\0", start)].decode()
        if text.startswith(".debug") and flags & 0x800:
            raise DwarfError("compressed debug sections")
        found[text] = (offset, length)
    return found


def _tail(source: str) -> str:
    """The last two parts of a path: what is left of an absolute one."""
    return "/".join(source.split("/")[-2:])


def _uleb(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
