# SPDX-License-Identifier: MIT
"""Races written by hand, in system calls: what the op table cannot say yet, forced by the engine.

Contract: a `Race` is one program of threads on a booted guest. Its methods do whole calls of an
actor that nobody interrupts; `engine` holds and releases. Structs for the kernel are written
into a page of scratch that the program shares.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from conformance.forced.build import Build
from conformance.forced.engine import DONE, Engine, Event
from conformance.forced.guest import RAW_LOAD, RAW_STORE, RAW_SYSCALL, Guest, Work

ARENA = 0x200000000000
SCRATCH = 0x300000000000
PAGE = 4096
HUGE = 2 << 20
SIGSEGV, SIGBUS = -1001, -1002

PROT_RW = 3
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 1, 2, 0x10, 0x20
MAP_HUGETLB = 0x40000
MADV_DONTNEED, MADV_HUGEPAGE, MADV_POPULATE_WRITE = 4, 14, 23
SYS = {
    "write": 1,
    "open": 2,
    "close": 3,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "ioctl": 16,
    "madvise": 28,
    "prctl": 157,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "io_uring_register": 427,
}
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_COPY = 0xC018AA3F, 0xC020AA00, 0xC028AA03
PR_SET_THP_DISABLE = 41


class Race:
    """Actors T0 to Tn on CPUs of their own."""

    def __init__(
        self, guest: Guest, build: Build, actors: int = 2, children: Collection[int] = ()
    ) -> None:
        cpus = {actor: actor + 1 for actor in range(actors)}
        self.build = build
        self.engine = Engine(guest, build.symbols, 64, cpus, children)
        self.call(
            0, "mmap", SCRATCH, 16 * PAGE, PROT_RW, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1, 0
        )
        self._used = SCRATCH
        for page in range(16):
            self.store(0, SCRATCH + page * PAGE, 0)

    def work(self, name: str, *args: int) -> Work:
        return Work(RAW_SYSCALL, (SYS[name], *args))

    def call(self, actor: int, name: str, *args: int) -> int:
        """A whole system call; fails the test when the kernel refuses it."""
        result = self.engine.do(actor, self.work(name, *args))
        if not 0 <= result < 1 << 62:
            raise AssertionError(f"{name}{args} = {result}")
        return result

    def load(self, actor: int, address: int) -> int:
        return self.engine.do(actor, Work(RAW_LOAD, (address,)))

    def store(self, actor: int, address: int, value: int) -> int:
        return self.engine.do(actor, Work(RAW_STORE, (address, value)))

    def struct(self, *words: int) -> int:
        """Words in scratch memory: their address."""
        at = self._used
        for i, word in enumerate(words):
            self.store(0, at + 8 * i, word - (1 << 64) if word >> 63 else word)
        self._used += 8 * len(words)
        return at

    def text(self, text: str) -> int:
        data = text.encode() + b"\0" * (8 - len(text) % 8)
        return self.struct(
            *[int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
        )

    def write_file(self, path: str, text: str) -> None:
        fd = self.call(0, "open", self.text(path), 1, 0)
        self.call(0, "write", fd, self.text(text), len(text))
        self.call(0, "close", fd)

    def hold(self, actor: int, work: Work, *rules: str, visit: int = 1) -> Event:
        """Start a call and hold it at a place."""
        self.engine.start(actor, work)
        return self.go_on(actor, *rules, visit=visit)

    def go_on(self, actor: int, *rules: str, visit: int = 1) -> Event:
        place = self.build.place(*rules)
        assert place is not None, f"this kernel has none of {rules}"
        return self.engine.run(actor, place.addresses, visit)

    def finish(self, actor: int) -> int:
        event = self.engine.run(actor)
        assert event.kind == DONE, event
        return event.result


@contextmanager
def race(
    guest: Guest, build: Build, actors: int = 2, children: Collection[int] = ()
) -> Iterator[Race]:
    """And its end: everybody goes on, and quits."""
    it = Race(guest, build, actors, children)
    yield it
    it.engine.finish()
    it.engine.end()
