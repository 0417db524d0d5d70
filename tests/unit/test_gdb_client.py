# SPDX-License-Identifier: MIT
"""The client of the gdbstub against a stub that follows a script."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from conformance.forced.gdb import RIP, Gdb, GdbError, Stop
from tests.waiting import PATIENT_SECONDS


class Stub:
    """Answers packets out of a table; `vCont` and Ctrl-C are answered with the next stop."""

    def __init__(
        self, connection: socket.socket, answers: dict[str, str], stops: list[str]
    ) -> None:
        self.socket = connection
        self.answers = answers
        self.stops = stops
        self.heard: list[str] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        buffer = b""
        while True:
            try:
                got = self.socket.recv(4096)
            except OSError:
                return
            if not got:
                return
            buffer += got
            while buffer:
                if buffer[:1] == b"$":
                    end = buffer.find(b"#")
                    if end < 0 or len(buffer) < end + 3:
                        break
                    self.packet(buffer[1:end].decode())
                    buffer = buffer[end + 3 :]
                else:
                    if buffer[:1] == b"\x03":
                        self.send(self.stops.pop(0))
                    buffer = buffer[1:]

    def packet(self, text: str) -> None:
        self.heard.append(text)
        if text.startswith("vCont"):
            stop = self.stops.pop(0) if self.stops else ""
            if stop:  # else it runs on
                self.send(stop)
            return
        self.send(next((v for k, v in self.answers.items() if text.startswith(k)), ""))

    def send(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the client may have enough
            self.socket.sendall(b"+$%s#%02x" % (text.encode(), sum(text.encode()) % 256))


@pytest.fixture
def connect() -> Iterator[Callable[..., tuple[Gdb, Stub]]]:
    ends: list[socket.socket] = []

    def make(answers: dict[str, str], *stops: str) -> tuple[Gdb, Stub]:
        ours, theirs = socket.socketpair()
        ends.extend((ours, theirs))
        stub = Stub(
            theirs,
            {"qSupported": "vContSupported+", "Hg": "OK", **answers},
            ["T02thread:p01.01;", *stops],
        )
        return Gdb(ours), stub

    yield make
    for end in ends:
        end.close()


def test_only_the_named_cpus_are_resumed(connect: Callable[..., tuple[Gdb, Stub]]) -> None:
    gdb, stub = connect({}, "T05thread:p01.03;")
    gdb.resume([0, 2])
    assert gdb.wait(PATIENT_SECONDS) == Stop(5, 2)
    assert stub.heard[-1] == "vCont;c:p01.01;c:p01.03"
    assert not gdb.running


def test_a_running_machine_is_waited_for_and_interrupted(
    connect: Callable[..., tuple[Gdb, Stub]],
) -> None:
    gdb, _ = connect({}, "", "T02thread:p01.02;")
    gdb.resume([1])
    assert gdb.wait(0) is None
    assert gdb.running
    with pytest.raises(AssertionError):
        gdb.pc(0)
    assert gdb.interrupt() == Stop(2, 1)


def test_registers_are_of_the_cpu_that_was_asked_for(
    connect: Callable[..., tuple[Gdb, Stub]],
) -> None:
    words = b"".join(n.to_bytes(8, "little") for n in range(24))
    gdb, stub = connect({"g": words.hex(), "P": "OK"})
    assert gdb.register(3, RIP) == 16
    assert stub.heard[-2:] == ["Hgp01.04", "g"]
    gdb.set_register(3, RIP, 0x1234)
    assert stub.heard[-1] == "P10=3412000000000000"


def test_escaped_bytes_are_read(connect: Callable[..., tuple[Gdb, Stub]]) -> None:
    gdb, _ = connect({"qThreadExtraInfo": b"CPU [halted }\x03]".hex(), "m": "}\x03a}]"})
    assert gdb.halted(0)
    assert gdb.ask("m0,1") == "#a}"


@pytest.mark.parametrize(
    ("packet", "answer"), [("Z0", "E22"), ("Z0", "")], ids=["refused", "not known"]
)
def test_what_the_stub_refuses_is_an_error(
    connect: Callable[..., tuple[Gdb, Stub]], packet: str, answer: str
) -> None:
    gdb, _ = connect({packet: answer})
    with pytest.raises(GdbError, match="Z0,1000"):
        gdb.insert(0x1000)


def test_a_machine_that_ends_is_an_error(connect: Callable[..., tuple[Gdb, Stub]]) -> None:
    gdb, _ = connect({}, "W00")
    gdb.resume([0])
    with pytest.raises(GdbError, match="W00"):
        gdb.wait(PATIENT_SECONDS)


def test_a_stub_without_single_cpus_is_refused(connect: Callable[..., tuple[Gdb, Stub]]) -> None:
    with pytest.raises(GdbError, match="single CPUs"):
        connect({"qSupported": "PacketSize=1000"})
