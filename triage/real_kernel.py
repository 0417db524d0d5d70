# SPDX-License-Identifier: MIT
"""The kernel that the conform verbs ask: this machine's own, or another one in QEMU."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import click

from triage.exits import Refused
from triage.terminal import write_json

if TYPE_CHECKING:
    from conformance.kernel import RealKernel

Command = TypeVar("Command", bound=Callable[..., object])

OWN: Final = ""  # --kernel was not given


def option(command: Command) -> Command:
    """`--kernel`, as the argument `kernel_name`."""
    return click.option(
        "--kernel", "kernel_name", default=OWN, metavar="NAME",
        help="Boot this kernel in QEMU: debian-6.12, for example.  [default: this machine's own]",
    )(command)


def asked(name: str, as_json: bool) -> "RealKernel | None":
    """The kernel of that name, started. None when this machine cannot have it; says why."""
    from conformance.debian import NoKernel

    try:
        return _started(name)
    except NoKernel as missing:
        print(f"mmfarm: skipped: {missing}", file=sys.stderr)
        if as_json:
            write_json({"skipped": str(missing)})
        return None


def _started(name: str) -> "RealKernel":
    from conformance import debian, executor, kernel, qemu
    from simulator.kernels import VERSIONS

    version = debian.version_of(name)
    if name != OWN and version not in VERSIONS:
        known = ", ".join(f"debian-{each}" for each in VERSIONS)
        raise Refused(f"--kernel {name}: no such kernel; the model can be that of {known}")
    reason = executor.why_not() if name == OWN else qemu.why_not()
    if reason:
        raise debian.NoKernel(reason)
    if name == OWN:
        return kernel.RealKernel()
    return kernel.RealKernel(qemu.guest(debian.kernel(version)), version)
