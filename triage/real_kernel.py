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
    from conformance import debian, executor, kernel, qemu
    from simulator.kernels import VERSIONS

    if name == OWN:
        reason = executor.why_not()
        return _skipped(reason, as_json) if reason else kernel.RealKernel()
    version = debian.version_of(name)
    if version not in VERSIONS:
        known = ", ".join(f"debian-{each}" for each in VERSIONS)
        raise Refused(f"--kernel {name}: no such kernel; the model can be that of {known}")
    reason = qemu.why_not()
    if reason:
        return _skipped(reason, as_json)
    try:
        image = debian.kernel(version)
    except debian.NoKernel as missing:
        return _skipped(str(missing), as_json)
    return kernel.RealKernel(qemu.guest(image), version)


def _skipped(reason: str, as_json: bool) -> None:
    print(f"mmfarm: skipped: {reason}", file=sys.stderr)
    if as_json:
        write_json({"skipped": reason})
