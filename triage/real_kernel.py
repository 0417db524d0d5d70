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
    from conformance.kernels import Name

Command = TypeVar("Command", bound=Callable[..., object])

OWN: Final = "host"


def option(command: Command) -> Command:
    """`--kernel`, as the argument `kernel_name`."""
    return click.option(
        "--kernel",
        "kernel_name",
        default=OWN,
        metavar="NAME",
        show_default=True,
        help="host, or one to boot in QEMU: debian-6.12, for example.",
    )(command)


def parsed(name: str) -> "Name":
    """The name taken apart. Raises Refused."""
    from conformance.kernels import BadName, parse

    try:
        return parse(name)
    except BadName as error:
        raise Refused(f"--kernel {error}") from error


def skipped(reason: object, as_json: bool) -> None:
    """Say that this machine cannot have the kernel."""
    print(f"mmfarm: skipped: {reason}", file=sys.stderr)
    if as_json:
        write_json({"skipped": str(reason)})


def asked(name: str, as_json: bool) -> "RealKernel | None":
    """The kernel of that name, started. None when this machine cannot have it; says why."""
    from conformance.debian import NoKernel

    try:
        return _started(name)
    except NoKernel as missing:
        skipped(missing, as_json)
        return None


def _started(text: str) -> "RealKernel":
    from conformance import debian, executor, kernel, kernels, qemu
    from simulator.kernels import VERSIONS

    name = parsed(text)
    version = kernels.model_version(name.version) if name.version else ""
    if name.version and not version:
        known = ", ".join(f"debian-{each}" for each in VERSIONS)
        raise Refused(f"--kernel {text}: too old; the model can be that of {known}")
    reason = executor.why_not() if name.is_host else qemu.why_not()
    if reason:
        raise debian.NoKernel(reason)
    if name.is_host:
        return kernel.RealKernel()
    image = kernels.resolve(name)
    return kernel.RealKernel(qemu.guest(image), image.version)
