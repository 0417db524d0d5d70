# SPDX-License-Identifier: MIT
"""Kernels that Debian builds for virtual machines: from a name to what a guest boots.

Contract: a kernel is named `debian-6.12`. `kernel` takes the newest package of that version in
the folder (`packages_dir`), or else has apt-get download the newest that the machine's apt
offers into it, and unpacks what a guest needs beside it. Nothing is installed. `NoKernel` says
why there is none, which is a reason to skip; `ExecutorError` is for a package that is broken.
"""

import lzma
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from conformance.executor import ExecutorError
from corpus.paths import cache_dir

# What a guest loads to have virtio-serial, each after those it needs. Newer kernels have it
# built in, and lack these files.
MODULES: Final = (
    "virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
    "virtio_console",
)
APT_SECONDS: Final = 600  # for some 30 MB
UNPACK_SECONDS: Final = 120

_NAME: Final = re.compile(r"debian-([0-9]+\.[0-9]+)")
# Not the packages without a third number, which only depend on others. The image itself is in
# linux-image-*, and since 7.0 in linux-binary-*, on which linux-image-* depends.
_PACKAGE: Final = r"linux-(?:image|binary)-{version}\.[0-9][^_\s]*-cloud-amd64"
_VMLINUZ: Final = re.compile(r"(?:\./)?(?:boot/vmlinuz-|usr/lib/modules/[^/]+/vmlinuz$)")
_MODULE: Final = re.compile(r".*/([^/]+)\.ko(\.xz)?$")


class NoKernel(Exception):
    """This machine has no such kernel to offer."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a guest boots: the kernel, and modules to load in this order."""

    vmlinuz: Path
    modules: tuple[Path, ...]


def version_of(name: str) -> str:
    """The version in a kernel's name: `6.12`. Empty when it is no such name."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


def packages_dir() -> Path:
    """Where packages lie, and what has been unpacked. A package of another Debian than the
    machine's own can be put there by hand."""
    return cache_dir() / "kernels"


def kernel(version: str, *, download: bool = True) -> Image:
    """The newest kernel of that version. Raises NoKernel and ExecutorError."""
    if shutil.which("dpkg-deb") is None:
        raise NoKernel("no dpkg-deb, which unpacks packages (Debian: apt-get install dpkg)")
    folder = packages_dir()
    package = newest(version, (file.name for file in folder.glob("*.deb")))
    if not package:
        if not download:
            raise NoKernel(f"no package of a Linux {version} for amd64 in {folder}")
        _download(version, folder)
        package = newest(version, (file.name for file in folder.glob("*.deb")))
        if not package:
            raise NoKernel(f"apt-get has left no package of a Linux {version} in {folder}")
    return _unpacked(folder / package)


def newest(version: str, names: Iterable[str]) -> str:
    """The newest package of that version among names of packages, or of their files; empty if
    there is none."""
    pattern = re.compile(_PACKAGE.format(version=re.escape(version)) + r"(?:_[^/]*\.deb)?")
    return max(filter(pattern.fullmatch, names), key=_age, default="")


def _age(name: str) -> tuple[list[int], bool]:
    """By the numbers in the name; and the package that has the image, not one depending on it."""
    return [int(number) for number in re.findall(r"[0-9]+", name)], "-binary-" in name


def _download(version: str, folder: Path) -> None:
    names = _said(["apt-cache", "search", "--names-only", r"^linux-(image|binary)-.*-cloud-amd64$"])
    package = newest(version, (line.split(" ")[0] for line in names.splitlines()))
    if not package:
        raise NoKernel(
            f"apt offers no Linux {version} for amd64 virtual machines (linux-image-{version}.*-"
            f"cloud-amd64): put a package of one into {folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
        _said(["apt-get", "download", "-q", package], new)
        for file in Path(new).glob("*.deb"):
            file.rename(folder / file.name)


def _said(command: list[str], folder: str = ".") -> str:
    """What a command of apt says on stdout."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, capture_output=True,
            text=True, timeout=APT_SECONDS, check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoKernel(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise NoKernel(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _unpacked(package: Path) -> Image:
    """Next to the package, complete or not at all."""
    target = package.with_suffix("")
    if not target.is_dir():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=package.parent) as new:
            made = Path(new, "image")
            made.mkdir()
            _unpack(package, made)
            made.rename(target)
    return Image(
        target / "vmlinuz",
        tuple(file for name in MODULES if (file := target / f"{name}.ko").exists()),
    )


def _unpack(package: Path, target: Path) -> None:
    """The image and the modules, by names of our own."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as dpkg:
        assert dpkg.stdout is not None
        try:
            _take(dpkg.stdout, target)
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise ExecutorError(f"{package} is no package: delete it ({error})") from error
        finally:
            dpkg.kill()
    if not (target / "vmlinuz").exists():
        raise ExecutorError(f"{package} has no kernel in it: delete it")


def _take(stream: IO[bytes], target: Path) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            if file is None:
                continue
            module = _MODULE.fullmatch(member.name)
            if _VMLINUZ.match(member.name):
                (target / "vmlinuz").write_bytes(file.read())
            elif module and module[1] in MODULES:
                data = file.read()
                (target / f"{module[1]}.ko").write_bytes(
                    lzma.decompress(data) if module[2] else data
                )
