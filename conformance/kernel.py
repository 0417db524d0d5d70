# SPDX-License-Identifier: MIT
"""`RealKernel`: give it a Scenario, get what a real kernel does with it.

Contract: `run` has the executor (conformance/c) do the ops with real system calls, one after
the other, in processes and threads as the scenario has them. Only what `why_not` has no
objection to can be run. An executor that dies, or a program that does not end as programs do,
is an ExecutorError and never an answer of the kernel; the next run starts a new executor.

Not promised: any order inside of ops, which is the kernel's own, nor the same answer twice
where the kernel makes no promise.
"""

import os
import select
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

from conformance import executor, features, userland, wire
from conformance.executor import ExecutorError
from conformance.observation import (
    ALL_PAGE_BITS,
    EMPTY_PTE,
    GUARD,
    PAGE_IS_GUARD,
    PAGE_IS_SOFT_DIRTY,
    SCANNED,
    SOFT_DIRTY,
    Observed,
)
from simulator.scenario import Scenario

TIMEOUT_SECONDS: Final = 10.0  # for a program, which takes less than a millisecond
GRACE_SECONDS: Final = 15.0  # beyond, in which the executor itself kills and answers
CHUNK_BYTES: Final = 1 << 16  # the size of a pipe

# What `Checkpoint.pages` has only on some kernels.
_SEEN_WITH: Final = {
    "soft-dirty": SOFT_DIRTY,
    "pagemap-guard": GUARD,
    "pagemap-scan": SCANNED,
    "pagemap-scan-soft-dirty": PAGE_IS_SOFT_DIRTY,
    "pagemap-scan-guard": PAGE_IS_GUARD,
    "pagemap-scan-empty": EMPTY_PTE,
}


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start an executor: a command, and a descriptor that it inherits and that is then
    the RealKernel's to close. One that needs seconds to boot is started only once."""

    command: tuple[str, ...]
    descriptor: int = -1
    boot_seconds: float = 0.0


def page_bits(features: Collection[str]) -> int:
    """The bits of `Checkpoint.pages` that mean something on a kernel with these features."""
    seen = ALL_PAGE_BITS
    for name, bits in _SEEN_WITH.items():
        if name not in features:
            seen &= ~bits
    return seen


class RealKernel:
    """A kernel, behind an executor that runs on it: a context manager. Not thread-safe.

    `launch` starts an executor; by default the one for this machine's own kernel. `version` is
    that of Linux, as full as it is known, by default what this machine runs; `features`
    are what the kernel offers, out of conformance.features.FEATURES."""

    def __init__(
        self,
        launch: Launch | None = None,
        version: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._launch = launch or Launch((str(executor.binary()),))
        self._started = False
        self._timeout_ms = int(timeout_seconds * 1000)
        self._server: subprocess.Popen[bytes] | None = None
        self.version = version or (os.uname().release if launch is None else "")
        try:
            probed = self._ask(wire.probe(self._timeout_ms), self._launch.boot_seconds)
        except ExecutorError:
            self.close()
            raise
        self.features = wire.features(probed[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the executor and all that it has started. It can be asked again, unless it had to
        be booted."""
        server, self._server = self._server, None
        if server is None:
            return
        for pipe in (server.stdin, server.stdout, server.stderr):
            assert pipe is not None
            pipe.close()
        try:
            server.wait(1)  # it ends with its stdin
        except subprocess.TimeoutExpired:
            server.kill()  # and the program with it
            server.wait()

    @property
    def page_bits(self) -> int:
        """The bits of `Checkpoint.pages` that mean something on this kernel."""
        return page_bits(self.features)

    def why_not(self, scenario: Scenario) -> str:
        """The first thing that this kernel or user space cannot do; empty when it can."""
        config = scenario.config
        if config.pmd_order != userland.PMD_ORDER:
            return (
                f"pmd_order={config.pmd_order}: a real page table has "
                f"pmd_order={userland.PMD_ORDER}"
            )
        reason = userland.why_not(scenario)
        if reason:
            return reason
        for word in dict(scenario.headers).get("requires", "").split():
            if word not in features.FEATURES:
                return f"requires {word}, which no probe knows"
            if word not in self.features:
                return f"requires {word}, which this kernel does not have"
        for name in features.config_needs(config):
            if name not in self.features:
                return f"the kernel's knob is not that of config {name.replace('-', '=')}"
        reason = features.never_is_unknown(scenario, self.features)
        if reason:
            return reason
        for op in scenario.ops:
            for name in features.op_needs(op):
                if name not in self.features and not features.refused(name, config.kernel):
                    return f"op {op.uid} needs {name}, which this kernel does not have"
        for d in userland.inside(scenario):
            return f"the directive at {d.site} of op {d.uid} reaches inside an op"
        return ""

    def run(self, scenario: Scenario, *, every_op: bool, order: Sequence[int] = ()) -> Observed:
        """Run the ops in the order of the text, or of these indices (`conformance.order`).

        Checkpoints are taken of the acting process after every op that was not skipped and was
        no `exit`; or, without `every_op`, of every process that is left at the end."""
        request = wire.program(
            scenario,
            order or range(len(scenario.ops)),
            every_op=every_op,
            timeout_ms=self._timeout_ms,
        )
        return wire.observed(scenario, *self._ask(request))

    def _ask(self, request: bytes, boot_seconds: float = 0.0) -> tuple[bytes, int]:
        """One request and its answer: the body, and the number of checkpoints in it."""
        server = self._server or self._start()
        assert server.stdin is not None
        try:
            try:
                rest = memoryview(request)
                while rest:
                    rest = rest[os.write(server.stdin.fileno(), rest) :]
                seconds = self._timeout_ms / 1000 + GRACE_SECONDS + boot_seconds
                deadline = time.monotonic() + seconds
                head = self._read(server, wire.HEADER.size, b"", deadline)
                size, failed, nr_checkpoints = wire.HEADER.unpack_from(head)
                body = self._read(server, size, head[wire.HEADER.size :], deadline)
            except OSError as error:
                raise ExecutorError(f"the executor is gone: {error}{self._said()}") from error
        except BaseException:
            self.close()  # half an answer may be on its way
            raise
        if failed:
            raise ExecutorError(
                f"a program did not end as programs do: {body.decode(errors='replace')}. This "
                "says nothing about the kernel's mm: run it again"
            )
        return body, nr_checkpoints

    def _start(self) -> subprocess.Popen[bytes]:
        launch = self._launch
        if self._started and launch.boot_seconds:
            raise ExecutorError("the kernel has gone, and is booted once: begin again")
        self._started = True
        fds = [launch.descriptor] if launch.descriptor >= 0 else []
        try:
            self._server = subprocess.Popen(
                launch.command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=fds,
            )
        except OSError as error:
            raise ExecutorError(f"the executor cannot be started: {error}") from error
        finally:
            for fd in fds:
                os.close(fd)
        return self._server

    def _read(
        self, server: subprocess.Popen[bytes], size: int, got: bytes, deadline: float
    ) -> bytes:
        """At least `size` bytes, of which `got` has been read: a server says nothing unasked."""
        assert server.stdout is not None
        fd = server.stdout.fileno()
        while len(got) < size:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ExecutorError("the executor does not answer")
            chunk = os.read(fd, CHUNK_BYTES)
            if not chunk:
                raise ExecutorError(f"the executor has ended{self._said()}")
            got += chunk
        return got

    def _said(self) -> str:
        """What the executor wrote on stderr before it ended."""
        server = self._server
        if server is None or server.stderr is None:
            return ""
        server.kill()
        text = server.stderr.read(4096).decode(errors="replace").strip()
        return f": {text}" if text else ""
