# SPDX-License-Identifier: MIT
"""Kernels of our own: Debian's source, a configuration of ours, built once and kept.

Contract: `build` makes the kernel of a version and a flavour: bzImage, vmlinux with its debug
information and the configuration, in a folder named after all that they are made from, complete
or not at all. `kernel` finds one that was built. The source is unpacked for the build and deleted
after it. A machine that lacks a tool is NoKernel, with its name; what the compiler says, or a
line of the configuration that does not hold, is ExecutorError.
"""

import hashlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance import sources
from conformance.debian import Image, NoKernel, is_of, numbers, packages_dir
from conformance.executor import ExecutorError

CONFIGS: Final = Path(__file__).parent / "config"
COMMON: Final = "common"
# By name: the files of CONFIGS over allnoconfig.
FLAVOURS: Final[dict[str, tuple[str, ...]]] = {"hmm": (COMMON,), "kasan": (COMMON, "kasan")}
JOBS: Final = 2
BUILD_SECONDS: Final = 7200  # 4 to 6 minutes with two jobs on an idle machine
MEMORY_BYTES: Final = 4 << 30  # of each process of the build; the linker needs one
NICE: Final = 10
TOOLS: Final = ("make", "gcc", "ld", "flex", "bison", "bc", "xz", "perl")
# Nothing of this machine and of today in the kernel.
_ENVIRONMENT: Final = {
    "KBUILD_BUILD_USER": "mmfarm",
    "KBUILD_BUILD_HOST": "mmfarm",
    "KBUILD_BUILD_TIMESTAMP": "@0",
    "LC_ALL": "C",
}


def kernel(version: str, flavour: str) -> Image:
    """The newest kernel of that version and flavour that was built from today's configuration.
    Raises NoKernel."""
    digest = _digest(flavour)
    found = [
        Image(full, folder)
        for folder in packages_dir().glob(f"own-*+{flavour}-{digest}")
        if is_of(full := folder.name.removeprefix("own-").partition("+")[0], version)
    ]
    if not found:
        name = f"own-{version}+{flavour}"
        raise NoKernel(f"{name} is not built yet: mmfarm kernels build {name}")
    return max(found, key=lambda image: numbers(image.version))


def built() -> list[tuple[str, Image]]:
    """The names and images of all that are here."""
    found = [
        (folder.name.rpartition("-")[0], Image(folder.name[4:].partition("+")[0], folder))
        for flavour in FLAVOURS
        for folder in packages_dir().glob(f"own-*+{flavour}-{_digest(flavour)}")
    ]
    return sorted(found, key=lambda each: (numbers(each[1].version), each[0]))


def build(version: str, flavour: str, *, jobs: int = JOBS) -> Image:
    """The kernel of the newest source of that version, built if it was not. Raises NoKernel and
    ExecutorError."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise NoKernel(
                f"no {tool}, which a build of Linux needs (Debian: apt-get install build-essential "
                "flex bison bc libelf-dev xz-utils)"
            )
    file, full = sources.package(version)
    target = packages_dir() / f"own-{full}+{flavour}-{_digest(flavour)}"
    if not target.is_dir():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=packages_dir()) as new:
            tree = Path(new, "linux")
            sources.unpack(file, tree)
            _configure(tree, flavour)
            _make(tree, (f"-j{jobs}", "bzImage"))
            made = Path(new, "image")
            made.mkdir()
            for kept, name in (
                ("arch/x86/boot/bzImage", "vmlinuz"),
                ("vmlinux", "vmlinux"),
                (".config", "config"),
            ):
                (tree / kept).rename(made / name)
            made.rename(target)
    return Image(full, target)


def config(flavour: str) -> str:
    """What this flavour asks for, over allnoconfig."""
    return "".join((CONFIGS / f"{name}.config").read_text() for name in FLAVOURS[flavour])


def missing(asked: str, got: str) -> list[str]:
    """The lines of a configuration that another one does not have: an option that is not there
    in this version, or that lacks one that it depends on."""
    there = set(got.splitlines())
    return [
        line for line in asked.splitlines() if line.startswith("CONFIG_") and line not in there
    ] + [
        line
        for line in asked.splitlines()
        if line.endswith(" is not set") and f"{line.split()[1]}=y" in there
    ]


def _configure(tree: Path, flavour: str) -> None:
    asked = config(flavour)
    (tree / "asked.config").write_text(asked)
    _make(tree, ("KCONFIG_ALLCONFIG=asked.config", "allnoconfig"))
    lost = missing(asked, (tree / ".config").read_text())
    if lost:
        raise ExecutorError(f"this Linux does not take {', '.join(lost)}: conformance/config")


def _make(tree: Path, arguments: Sequence[str]) -> None:
    done = subprocess.run(
        ["make", "-s", *arguments],
        cwd=tree,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=BUILD_SECONDS,
        preexec_fn=_bounded,
        check=False,
    )
    if done.returncode:
        raise ExecutorError(f"make {' '.join(arguments)} failed:\n{done.stderr.strip()[-2000:]}")


def _bounded() -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _digest(flavour: str) -> str:
    return hashlib.sha256(config(flavour).encode()).hexdigest()[:12]
