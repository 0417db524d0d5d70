# SPDX-License-Identifier: MIT
"""A client of QEMU's gdbstub: the remote protocol, and no more of it than holding CPUs takes.

Contract: CPUs are numbered from 0, as in the guest. A `Gdb` is either stopped, and then can be
asked and told things, or running, and then can only be waited for or interrupted; connecting
stops the machine. Breakpoints are by virtual address, on all CPUs; QEMU's TCG patches no memory
for them. Anything that the stub says otherwise than expected is a GdbError.

Not promised: anything about another stub than QEMU's, or another architecture than x86-64.
"""

import select
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ANSWER_SECONDS: Final = 60.0  # on a loaded machine; it takes a millisecond
# Numbers of registers in QEMU's description of x86-64.
RAX: Final = 0
RIP: Final = 16
_REGISTERS: Final = 24  # rax to gs: eight bytes to rip, four after it
_INTERRUPT: Final = b"\x03"
_SOFTWARE_BREAKPOINT: Final = 0


class GdbError(Exception):
    """The stub is gone or said what it should not."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the machine stopped: a signal's number, and the CPU that has it. An interrupt is
    signal 2, a breakpoint or a step 5."""

    signal: int
    cpu: int


class Gdb:
    """One connection. Not thread-safe."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._buffer = bytearray()
        self._running = True
        self.packets = 0  # sent
        self.interrupt()
        if "vContSupported+" not in self.ask("qSupported:multiprocess+;vContSupported+"):
            raise GdbError("this stub cannot resume single CPUs (vCont)")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # before that, no register can be set

    # --- the machine ---

    def resume(self, cpus: Iterable[int]) -> None:
        """Let these CPUs run; the others stay where they are."""
        assert not self._running
        self._send("vCont" + "".join(f";c:{_thread(cpu)}" for cpu in cpus))
        self._running = True

    def step(self, cpu: int) -> None:
        """One instruction of one CPU, without interrupts."""
        assert not self._running
        self._send(f"vCont;s:{_thread(cpu)}")
        self._running = True
        stop = self.wait(ANSWER_SECONDS)
        if stop is None or stop.signal != 5:
            raise GdbError(f"a step of CPU {cpu} ended as {stop}")

    def wait(self, seconds: float) -> Stop | None:
        """Until the machine stops by itself; None when it still runs."""
        assert self._running
        packet = self._packet(seconds)
        return self._stopped(packet) if packet else None

    def interrupt(self) -> Stop:
        """Stop the machine. It may have stopped by itself just before: then for that reason."""
        assert self._running
        self._write(_INTERRUPT)
        packet = self._packet(ANSWER_SECONDS)
        if not packet:
            raise GdbError("the machine does not stop")
        return self._stopped(packet)  # an interrupt that comes too late is ignored

    @property
    def running(self) -> bool:
        return self._running

    # --- what is asked of a stopped machine ---

    def insert(self, address: int) -> None:
        """A breakpoint."""
        self._expect(f"Z{_SOFTWARE_BREAKPOINT},{address:x},1", "OK")

    def remove(self, address: int) -> None:
        self._expect(f"z{_SOFTWARE_BREAKPOINT},{address:x},1", "OK")

    def pc(self, cpu: int) -> int:
        return self.register(cpu, RIP)

    def register(self, cpu: int, number: int) -> int:
        self._select(cpu)
        data = bytes.fromhex(self.ask("g")[: 16 * _REGISTERS])
        value: int = struct.unpack_from("<Q", data, 8 * number)[0]
        return value

    def set_register(self, cpu: int, number: int, value: int) -> None:
        self._select(cpu)
        self._expect(f"P{number:x}={struct.pack('<Q', value).hex()}", "OK")

    def halted(self, cpu: int) -> bool:
        """Whether it waits for an interrupt, having nothing to do."""
        said = bytes.fromhex(self.ask(f"qThreadExtraInfo,{_thread(cpu)}")).decode()
        return "[halted" in said

    def read(self, cpu: int, address: int, size: int) -> bytes:
        """Memory by virtual address, in the address space of this CPU. Empty if not there."""
        self._select(cpu)
        said = self.ask(f"m{address:x},{size:x}")
        return b"" if said.startswith("E") else bytes.fromhex(said)

    # --- packets ---

    def ask(self, packet: str) -> str:
        assert not self._running
        self._send(packet)
        answer = self._packet(ANSWER_SECONDS)
        if answer is None:
            raise GdbError(f"no answer to {packet}")
        return answer

    def close(self) -> None:
        self._socket.close()

    def _select(self, cpu: int) -> None:
        self._expect(f"Hg{_thread(cpu)}", "OK")

    def _expect(self, packet: str, answer: str) -> None:
        said = self.ask(packet)
        if said != answer:
            raise GdbError(f"{packet} is answered with {said!r}")

    def _send(self, packet: str) -> None:
        data = packet.encode()
        self.packets += 1
        self._write(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _stopped(self, packet: str) -> Stop:
        if packet[:1] != "T":
            raise GdbError(f"the machine has ended: {packet}")
        self._running = False
        fields = dict(field.split(":", 1) for field in packet[3:].split(";") if ":" in field)
        thread = fields.get("thread", "p01.01").rpartition(".")[2]
        return Stop(int(packet[1:3], 16), int(thread, 16) - 1)

    def _write(self, data: bytes) -> None:
        try:
            while data:
                select.select([], [self._socket], [], ANSWER_SECONDS)
                data = data[self._socket.send(data) :]
        except OSError as error:
            raise GdbError(f"QEMU is gone: {error}") from error

    def _packet(self, seconds: float) -> str | None:
        """The next packet, acknowledged; None when none comes."""
        deadline = time.monotonic() + seconds
        while True:
            packet = self._parsed()
            if packet is not None:
                self._write(b"+")
                return packet
            left = deadline - time.monotonic()
            if not select.select([self._socket], [], [], max(0.0, left))[0]:
                return None
            try:
                got = self._socket.recv(1 << 16)
            except OSError as error:
                raise GdbError(f"QEMU is gone: {error}") from error
            if not got:
                raise GdbError("QEMU has ended")
            self._buffer += got

    def _parsed(self) -> str | None:
        start = self._buffer.find(b"$")
        end = self._buffer.find(b"#", start)
        if start < 0 or end < 0 or len(self._buffer) < end + 3:
            return None
        packet = _unescaped(bytes(self._buffer[start + 1 : end]))
        del self._buffer[: end + 3]
        return packet


def _thread(cpu: int) -> str:
    return f"p01.{cpu + 1:02x}"


def _unescaped(data: bytes) -> str:
    """Without the protocol's escapes. QEMU sends no run lengths."""
    out = bytearray()
    escaped = False
    for byte in data:
        if escaped:
            out.append(byte ^ 0x20)
            escaped = False
        elif byte == ord("}"):
            escaped = True
        else:
            out.append(byte)
    return out.decode("latin-1")
