# SPDX-License-Identifier: MIT
"""The source of Linux as Debian ships it: fetched as a package, unpacked as far as wanted.

Contract: `package` gives the file of `linux-source-V` out of the folder of kernels, and
downloads it where it may: some 150 MB. `unpack` writes the tree, or the paths that are wanted of
it, into a folder. Nothing of it is kept elsewhere. Raises NoKernel where a machine cannot have
it, which is a reason to skip.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.apt import FRESH_SECONDS, Apt, NoPackages, Package
from conformance.debian import NoKernel, is_of, numbers, packages_dir
from conformance.executor import ExecutorError

UNPACK_SECONDS: Final = 900  # 1.7 GB; half a minute on an idle machine
_FILE: Final = re.compile(r"linux-source-[0-9.]+_([0-9.]+)-[^_]+_all\.deb")


def package(version: str, *, download: bool = True) -> tuple[Path, str]:
    """The package's file of this version (`7.2`, `7.2.13`), and the full version in it. What
    is here is enough. Raises NoKernel."""
    folder = packages_dir()
    here = _here(folder, version)
    if here is None and download:
        _fetch(folder, version)
        here = _here(folder, version)
    if here is None:
        raise NoKernel(f"no linux-source-{_two(version)} of {version} in {folder}")
    return here


def unpack(file: Path, target: Path, paths: Sequence[str] = ()) -> None:
    """The source tree in that package, or only these files and folders of it, into `target`.
    Raises NoKernel and ExecutorError."""
    for program in ("dpkg-deb", "tar", "xz"):
        if shutil.which(program) is None:
            raise NoKernel(f"no {program}, which unpacks packages (Debian: apt-get install it)")
    series = file.name.split("_")[0]
    target.mkdir(parents=True, exist_ok=True)
    inner = ["tar", "-xJ", "--strip-components=1", "-C", str(target)]
    inner += ["--no-same-owner", "--exclude=*/.git*"]
    inner += [f"{series}/{path}" for path in paths]
    commands = (
        ["dpkg-deb", "--fsys-tarfile", str(file)],
        ["tar", "-xO", f"./usr/src/{series}.tar.xz"],
        inner,
    )
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            running.append(
                subprocess.Popen(
                    command,
                    stdin=running[-1].stdout if running else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
        _, said = running[-1].communicate(timeout=UNPACK_SECONDS)
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if running[-1].returncode:
        raise ExecutorError(f"{file} cannot be unpacked: {said.decode()[-300:]}")


def _here(folder: Path, version: str) -> tuple[Path, str] | None:
    found = [
        (file, match[1])
        for file in folder.glob(f"linux-source-{_two(version)}_*.deb")
        if (match := _FILE.fullmatch(file.name)) and is_of(match[1], version)
    ]
    return max(found, key=lambda each: numbers(each[1]), default=None)


def _fetch(folder: Path, version: str) -> None:
    apt = Apt(folder / "apt")
    name = f"linux-source-{_two(version)}"
    try:
        offered = [
            each
            for each in apt.offers(f"^{re.escape(name)}$")
            if is_of(each.version.partition("-")[0], version)
        ]
        if not offered:
            raise NoKernel(f"Debian has no {name} of {version}")
        newest: Package = max(offered, key=lambda each: numbers(each.version))
        apt.update(FRESH_SECONDS)
        apt.download([newest], folder)
    except NoPackages as error:
        raise NoKernel(str(error)) from error


def _two(version: str) -> str:
    return ".".join(version.split(".")[:2])
