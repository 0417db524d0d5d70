# SPDX-License-Identifier: MIT
"""A kernel in QEMU whose CPUs can be held one by one, with the executor as its init.

Contract: a `Guest` boots an Image, once, with one CPU for housekeeping (number 0) and one for
each actor. `begin` starts a program of actors, who spin in user space until `ring`; the page of
bells and the kernel's text are read and written in the guest's memory, which stops nobody.
`gdb` holds CPUs. `console` is what the kernel has printed, from warnings up. `close` leaves
nothing: memory, console and sockets have no names.

The kernel is the package's: only its command line says that it need not watch over CPUs that
stand still. Nothing needs KVM or privileges.
"""

import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from conformance import qemu, wire
from conformance.debian import Image, numbers
from conformance.executor import ExecutorError
from conformance.forced.gdb import Gdb
from conformance.observation import Checkpoint

MEMORY_MB: Final = 768
ACTORS: Final = 4  # CPUs for them, unless a scenario has more
BOOT_SECONDS: Final = 180.0  # 3 to 8 on an idle machine
ANSWER_SECONDS: Final = 60.0  # for the executor, which takes milliseconds
PROGRAM_MS: Final = 600_000  # the engine has its own limits; this one is for a lost host
# Soon after boot the kernel still stops all CPUs at once to patch itself, in its own time.
SETTLE_SECONDS: Final = 2.0
# A starved emulation is late with the timer that the kernel looks for at boot (no_timer_check).
# Without page-table isolation a CPU keeps its TLB over entries to the kernel: the emulation has
# no PCIDs. What watches over CPUs and clocks has to bear that they stand still.
COMMAND_LINE: Final = (
    "console=ttyS0 loglevel=5 panic=-1 oops=panic nokaslr pti=off norandmaps tsc=reliable "
    "no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1 workqueue.watchdog_thresh=0 "
    "transparent_hugepage=madvise"
)
# Time by instructions, so that a loaded host changes nothing. Older kernels do not boot with it.
ICOUNT: Final = ("-icount", "shift=2,sleep=off")
ICOUNT_SINCE: Final = (6, 12)
KERNEL_MAP: Final = 0xFFFFFFFF80000000  # __START_KERNEL_map: physical 0 when nokaslr

_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1

NR_ACTORS: Final = 8
BELL: Final = struct.Struct("<IIIBBHqq8q")  # struct bell of forced.h
_RING: Final = 0  # offsets in it
_DONE: Final = 4
_RESULT: Final = 24
_ORDER: Final = struct.Struct("<BBHq")  # order, code, unused, uid: from here
_ORDER_AT: Final = 12
_SLOTS_AT: Final = 32
WARM: Final = 0
RUN: Final = 1
OBSERVE: Final = 2
QUIT: Final = 3
RAW_SYSCALL: Final = 250
RAW_LOAD: Final = 251
RAW_STORE: Final = 252
PRESENT: Final = 1  # the first number that is done: that the actor is there


@dataclass(frozen=True, slots=True)
class Work:
    """What a bell tells an actor to do: a row of the op table, or something raw."""

    code: int
    args: tuple[int, ...]
    uid: int = 0


class Guest:
    """A booted kernel, a context manager. Not thread-safe. `cpus` holds an actor each."""

    def __init__(self, image: Image, actors: int = ACTORS) -> None:
        reason = qemu.why_not()
        if reason:
            raise ExecutorError(reason)
        self.image = image
        self.actors = actors
        self._ram = os.memfd_create("guest")
        os.ftruncate(self._ram, MEMORY_MB << 20)
        self._console = os.memfd_create("console")
        ours, theirs = socket.socketpair()
        initramfs = os.memfd_create("initramfs")
        with open(initramfs, "wb", closefd=False) as file:
            file.write(qemu.initramfs(image))
        fds = (self._ram, self._console, initramfs, theirs.fileno())
        try:
            self._qemu = subprocess.Popen(
                self._command(*fds),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=fds,
                bufsize=0,
                preexec_fn=_die_with_us,
            )
        except OSError as error:
            raise ExecutorError(f"QEMU cannot be started: {error}") from error
        finally:
            theirs.close()
            os.close(initramfs)
        self._socket = ours
        self._clock = ~self._qemu.pid << 3 | 2  # CPUCLOCK_SCHED of that process, as in the kernel
        try:
            self.gdb = Gdb(ours)
            self.gdb.resume(self.all_cpus)
            probed = self._ask(wire.probe(int(BOOT_SECONDS * 1000)), BOOT_SECONDS)[0]
        except BaseException:
            self.close()
            raise
        self.features = wire.features(probed)
        self._bells = _number(probed, "bells")
        self._settled = time.monotonic() + SETTLE_SECONDS

    def _command(self, ram: int, console: int, initramfs: int, gdb: int) -> tuple[str, ...]:
        timing = ICOUNT if numbers(self.image.version) >= ICOUNT_SINCE else ()
        isolated = f"isolcpus=1-{self.actors}"
        return (
            qemu.QEMU,
            "-accel",
            "tcg,thread=single",
            *timing,
            "-cpu",
            qemu.CPU,
            "-m",
            str(MEMORY_MB),
            "-smp",
            str(self.actors + 1),
            "-object",
            f"memory-backend-file,id=ram,size={MEMORY_MB}M,mem-path=/proc/self/fd/{ram},share=on",
            "-machine",
            "pc,memory-backend=ram",
            "-nodefaults",
            "-no-user-config",
            "-nic",
            "none",
            "-display",
            "none",
            "-no-reboot",
            "-kernel",
            str(self.image.vmlinuz),
            "-append",
            f"{COMMAND_LINE} {isolated}",
            "-initrd",
            f"/proc/self/fd/{initramfs}",
            "-serial",
            f"file:/proc/self/fd/{console}",
            "-chardev",
            "stdio,id=us,signal=off",
            "-device",
            "virtio-serial-pci",
            "-device",
            "virtserialport,chardev=us",
            "-chardev",
            f"socket,id=gdb,fd={gdb}",
            "-gdb",
            "chardev:gdb",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the guest and give all back."""
        if self._qemu.poll() is None:
            self._qemu.kill()
        self._qemu.wait()
        for pipe in (self._qemu.stdin, self._qemu.stdout, self._qemu.stderr):
            assert pipe is not None
            pipe.close()
        self._socket.close()
        for fd in (self._ram, self._console):
            if fd >= 0:
                os.close(fd)
        self._ram = self._console = -1

    @property
    def all_cpus(self) -> range:
        return range(self.actors + 1)

    def console(self) -> str:
        """What the kernel has printed so far: its own trouble, for it is told to be quiet."""
        size = os.fstat(self._console).st_size
        return os.pread(self._console, size, 0).decode(errors="replace").replace("\r", "")

    def cpu_seconds(self) -> float:
        """What QEMU has worked so far."""
        return time.clock_gettime(self._clock)

    def settle(self) -> None:
        """Wait until the boot is behind it."""
        time.sleep(max(0.0, self._settled - time.monotonic()))

    def symbols(self) -> tuple[str, str]:
        """The build id out of the kernel's notes as they are, and kallsyms."""
        body = self._ask(wire.symbols(int(BOOT_SECONDS * 1000)), BOOT_SECONDS)[0].decode()
        notes, _, symbols = body.partition("\n")
        return notes, symbols

    def text(self, address: int, size: int) -> bytes:
        """Of the kernel, as it is patched now."""
        return os.pread(self._ram, size, address - KERNEL_MAP)

    # --- a program ---

    def begin(
        self, nr_pages: int, cpus: Mapping[int, int], children: int, huge: bool = False
    ) -> None:
        """Start a program: which CPU each actor lives on, which of them are made by forks (a mask),
        and whether it may have huge pages. Returns when the others are there."""
        self.settle()
        actors = 0
        for actor in range(NR_ACTORS):
            actors |= (actor in cpus) << actor
            bell = BELL.pack(PRESENT, 0, cpus.get(actor, 0), 0, 0, 0, 0, 0, *[0] * 8)
            os.pwrite(self._ram, bell, self._bell(actor))
        self._tell(wire.forced(nr_pages, actors, children, PROGRAM_MS, huge))
        deadline = time.monotonic() + ANSWER_SECONDS
        waited = [actor for actor in cpus if not children >> actor & 1]
        while not all(self.done(actor) == PRESENT for actor in waited):
            if time.monotonic() > deadline or self._qemu.poll() is not None:
                raise ExecutorError(f"a program does not begin{self._last_words()}")
            time.sleep(0.0005)

    def ring(self, actor: int, order: int, work: Work | None = None) -> int:
        """Give an actor an order; the number of it, which `done` will say."""
        at = self._bell(actor)
        if work is not None:
            slots = struct.pack(f"<{len(work.args)}q", *work.args)
            os.pwrite(self._ram, slots, at + _SLOTS_AT)
            os.pwrite(self._ram, _ORDER.pack(order, work.code, 0, work.uid), at + _ORDER_AT)
        else:
            os.pwrite(self._ram, _ORDER.pack(order, 0, 0, 0), at + _ORDER_AT)
        number = self._word(at + _RING) + 1
        os.pwrite(self._ram, struct.pack("<I", number), at + _RING)
        return number

    def done(self, actor: int) -> int:
        """The last order that the actor has carried out."""
        return self._word(self._bell(actor) + _DONE)

    def result(self, actor: int) -> int:
        data = os.pread(self._ram, 8, self._bell(actor) + _RESULT)
        value: int = struct.unpack("<q", data)[0]
        return value

    def end(self, nr_pages: int) -> tuple[Checkpoint, ...]:
        """After all processes have been told to quit: what they observed."""
        body, nr = self._answer(ANSWER_SECONDS)
        return wire.checkpoints(nr_pages, body, 0, nr)

    def _bell(self, actor: int) -> int:
        return self._bells + actor * BELL.size

    def _word(self, at: int) -> int:
        value: int = struct.unpack("<I", os.pread(self._ram, 4, at))[0]
        return value

    # --- the executor's protocol ---

    def _ask(self, request: bytes, seconds: float) -> tuple[bytes, int]:
        self._tell(request)
        return self._answer(seconds)

    def _tell(self, request: bytes) -> None:
        assert self._qemu.stdin is not None
        try:
            self._qemu.stdin.write(request)
        except OSError as error:
            raise ExecutorError(f"the guest is gone: {error}{self._last_words()}") from error

    def _answer(self, seconds: float) -> tuple[bytes, int]:
        deadline = time.monotonic() + seconds
        size, failed, nr = wire.HEADER.unpack(self._read(wire.HEADER.size, deadline))
        body = self._read(size, deadline)
        if failed:
            raise ExecutorError(f"a program did not end as programs do: {body.decode()}")
        return body, nr

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._qemu.stdout is not None
        fd = self._qemu.stdout.fileno()
        got = b""
        while len(got) < size:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise ExecutorError(f"the executor does not answer{self._last_words()}")
            chunk = os.read(fd, size - len(got))
            if not chunk:
                raise ExecutorError(f"the guest has ended{self._last_words()}")
            got += chunk
        return got

    def _last_words(self) -> str:
        text = self.console().strip()
        if self._qemu.poll() is not None and self._qemu.stderr is not None:
            text += self._qemu.stderr.read(2000).decode(errors="replace")
        return f": {text[-2000:]}" if text else ""


def _die_with_us() -> None:
    """A stopped guest does not notice that its host has gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _number(body: bytes, name: str) -> int:
    """What stands behind a name in the answer to a probe."""
    for line in body.decode().splitlines():
        word, _, value = line.partition(" ")
        if word == name:
            return int(value)
    raise ExecutorError(f"the executor does not say its {name}")
