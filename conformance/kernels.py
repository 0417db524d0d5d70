# SPDX-License-Identifier: MIT
"""The one resolver of kernel names: what `--kernel` may say, for every verb that takes it.

Contract: a name is `host`; `debian-6.1`, the newest of that version; `debian-6.1.170`, exactly
that one; or `file:BZIMAGE[:VMLINUX]`, which somebody has built. `parse` only reads the name and
raises BadName; `resolve` finds the kernel, fetches a Debian package if it may, and raises
NoKernel with the reason for a skip. `model_version` is the `kernel=` that a real version is
judged by.
"""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance import own
from conformance.debian import Debian, Image, NoKernel, numbers, packages_dir
from simulator.kernels import VERSIONS

HOST: Final = "host"
FORMS: Final = "host, debian-6.12, debian-6.12.118, own-7.2+hmm, file:BZIMAGE[:VMLINUX]"
_DEBIAN: Final = "debian-"
_OWN: Final = "own-"
_FILE: Final = "file:"
# Documentation/arch/x86/boot.rst: the magic, and the offset of the text of the version.
_HEADER_MAGIC_AT: Final = 0x202
_VERSION_AT: Final = 0x20E
_SECTOR: Final = 512


class BadName(Exception):
    """No kernel is named like this; the message says how they are named."""


@dataclass(frozen=True, slots=True)
class Name:
    """A kernel's name, taken apart: the host's has neither version nor file."""

    text: str
    version: str = ""
    bzimage: Path | None = None
    vmlinux: Path | None = None
    flavour: str = ""  # of one that is built here

    @property
    def is_host(self) -> bool:
        return self.text == HOST


def parse(text: str) -> Name:
    """Raises BadName."""
    if text == HOST:
        return Name(text)
    if text.startswith(_DEBIAN) and _is_version(text.removeprefix(_DEBIAN)):
        return Name(text, text.removeprefix(_DEBIAN))
    if text.startswith(_OWN):
        version, _, flavour = text.removeprefix(_OWN).partition("+")
        if _is_version(version) and flavour in own.FLAVOURS:
            return Name(text, version, flavour=flavour)
    if text.startswith(_FILE):
        bzimage, _, vmlinux = text.removeprefix(_FILE).partition(":")
        if bzimage:
            return Name(text, "", Path(bzimage), Path(vmlinux) if vmlinux else None)
    raise BadName(f"{text}: no such kernel; they are named {FORMS}")


def resolve(name: Name, *, download: bool = True) -> Image:
    """What to boot. Raises NoKernel and ExecutorError; the host's kernel is not booted."""
    assert not name.is_host
    if name.bzimage is not None:
        return _own_build(name.bzimage, name.vmlinux)
    if name.flavour:
        return own.kernel(name.version, name.flavour)
    return Debian().kernel(name.version, download=download)


def _is_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) in (2, 3) and all(part.isdigit() for part in parts)


def model_version(version: str) -> str:
    """The greatest `kernel=` that is not above a version of Linux; empty below all of them."""
    return max(
        (each for each in VERSIONS if numbers(each) <= numbers(version)), key=numbers, default=""
    )


def _own_build(bzimage: Path, vmlinux: Path | None) -> Image:
    """A build of somebody's, in a folder of ours by its content, so that what is found out
    about it is kept."""
    try:
        data = bzimage.read_bytes()
    except OSError as error:
        raise NoKernel(f"{bzimage}: {error.strerror}") from error
    version = _version_in(data)
    if not version:
        raise NoKernel(f"{bzimage} is no bzImage of x86 (arch/x86/boot/bzImage)")
    if vmlinux is not None and not vmlinux.exists():
        raise NoKernel(f"{vmlinux}: no such file")
    folder = packages_dir() / f"file-{hashlib.sha256(data).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    image = Image(version, folder)
    _link(bzimage, image.vmlinuz)
    if vmlinux is not None:
        _link(vmlinux, image.vmlinux)
    return image


def _link(file: Path, name: Path) -> None:
    name.unlink(missing_ok=True)
    os.symlink(file.absolute(), name)


def _version_in(bzimage: bytes) -> str:
    """Of the setup header: `6.12.118`, without what the builder added."""
    if bzimage[_HEADER_MAGIC_AT : _HEADER_MAGIC_AT + 4] != b"HdrS":
        return ""
    at = struct.unpack_from("<H", bzimage, _VERSION_AT)[0] + _SECTOR
    words = bzimage[at : bzimage.find(b"\0", at)].split()
    return ".".join(map(str, numbers(words[0].decode(errors="replace").split("-")[0])))
