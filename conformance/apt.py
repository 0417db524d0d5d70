# SPDX-License-Identifier: MIT
"""Debian's packages of all its suites, whichever of them this machine is.

Contract: `Apt` asks apt with a configuration of its own, in a folder of its own: the machine's
sources, lists and packages stay as they are, and nothing is installed. The mirror is the one
that this machine's own sources name. Lists are fetched when there are none, or when they are
older than `FRESH_SECONDS` and something is to be downloaded. `NoPackages` says why there are none.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What is looked through; a mirror lacks the ones that Debian has moved to its archive.
SUITES: Final = ("bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid")
SECURITY_SUITES: Final = ("bullseye-security", "bookworm-security", "trixie-security")
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
FRESH_SECONDS: Final = 7 * 86_400.0
APT_SECONDS: Final = 600  # for some 400 MB
_MADISON: Final = 400  # names in one question, well below what a command line holds


class NoPackages(Exception):
    """apt has no answer; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package that apt offers."""

    name: str
    version: str  # of Debian: 6.12.118-1


class Apt:
    """Debian's suites, with lists kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def offers(self, pattern: str) -> list[Package]:
        """All packages whose names match a regular expression of apt's, in every version."""
        self.update(FRESH_SECONDS * 1000)
        found = self._said(["apt-cache", "search", "--names-only", pattern])
        names = [line.split(" ")[0] for line in found.splitlines()]
        packages: dict[Package, None] = {}
        for at in range(0, len(names), _MADISON):
            some = names[at : at + _MADISON]
            for line in self._said(["apt-cache", "madison", *some]).splitlines():
                fields = [field.strip() for field in line.split("|")]
                if len(fields) == 3 and fields[2].endswith("Packages"):
                    packages[Package(fields[0], fields[1])] = None
        return list(packages)

    def download(self, packages: Sequence[Package], folder: Path) -> None:
        """Put these packages' files into the folder, each complete or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
            wanted = [f"{package.name}={package.version}" for package in packages]
            self._said(["apt-get", "download", "-q", *wanted], new)
            for file in Path(new).glob("*.deb"):
                file.rename(folder / file.name)

    def update(self, fresh_seconds: float) -> None:
        """Fetch the lists unless they are younger."""
        stamp = self._folder / "fetched"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < fresh_seconds:
            return
        self._configure()
        # Warnings only, as long as some suite is there: mirrors differ in what they still have.
        self._said(["apt-get", "update", "-q"])
        stamp.touch()

    def _configure(self) -> None:
        uri, security = _mirror()
        for part in ("lists/partial", "cache/archives/partial"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        lines = [f"deb [signed-by={KEYRING}] {uri} {suite} main" for suite in SUITES]
        lines += [f"deb [signed-by={KEYRING}] {security} {suite} main" for suite in SECURITY_SUITES]
        (self._folder / "sources.list").write_text("\n".join(lines) + "\n")
        (self._folder / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{self._folder}/sources.list";\n'
            'Dir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{self._folder}/lists";\n'
            f'Dir::Cache "{self._folder}/cache";\n'
            f'Dir::Cache::archives "{self._folder}/cache/archives";\n'
            'APT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\n'
        )

    def _said(self, command: list[str], folder: str = ".") -> str:
        return _said(command, folder, {"APT_CONFIG": str(self._folder / "apt.conf")})


def _mirror() -> tuple[str, str]:
    """Where this machine gets Debian from, and the archive of its security team."""
    listed = _said(
        ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"],
        ".",
        {},
    )
    for line in listed.splitlines():
        label, _, uri = line.partition(" ")
        if label == "Debian":
            uri = uri.rstrip("/")
            return uri, f"{uri}-security"
    raise NoPackages(
        "this machine's apt knows no mirror of Debian: kernels have to be put into the folder "
        "that `mmfarm kernels list` names (or: apt-get update)"
    )


def _said(command: list[str], folder: str, environment: dict[str, str]) -> str:
    """What a command of apt says on stdout."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **environment},
            capture_output=True,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPackages(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise NoPackages(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
