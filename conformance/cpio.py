# SPDX-License-Identifier: MIT
"""A cpio archive as Linux unpacks it into an initramfs: the "newc" format of
Documentation/driver-api/early-userspace/buffer-format.rst.

Contract: `archive` is a pure function of the files it is given. Folders above a file are made
by whoever asks for them; owner is root, times are 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_MAGIC: Final = "070701"
_TRAILER: Final = "TRAILER!!!"
_FOLDER: Final = 0o040755
_PROGRAM: Final = 0o100755
_ALIGN: Final = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A program or other file, or a folder when `data` is None."""

    name: str  # without a leading slash
    data: bytes | None = None


def archive(entries: Iterable[Entry]) -> bytes:
    """The entries in this order, and the trailer."""
    parts = [
        _entry(number, entry.name, _FOLDER if entry.data is None else _PROGRAM, entry.data or b"")
        for number, entry in enumerate(entries, 1)
    ]
    return b"".join([*parts, _entry(0, _TRAILER, 0, b"")])


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    """Header, name and data, both of the latter filled up."""
    path = name.encode() + b"\0"
    links = 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor,
    # namesize, check
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = (_MAGIC + "".join(f"{field:08x}" for field in fields)).encode() + path
    return _filled(head) + _filled(data)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGN)
