# SPDX-License-Identifier: MIT
"""Writes a long recording in strace's notation, as a program with threads leaves one.

    python tests/soak/long_recording.py FILE [LINES] [SEED]

Contract: the same LINES and SEED give the same bytes. The answers are those of a kernel that does
what the layout says: it takes the highest gap that fits, and refuses what has holes. Threads of two
processes map, unmap, protect, advise, move and grow a heap; some of their calls overlap, and what
one of them freed is what the other one gets. Between them stand the calls of every program (files,
futexes, signals), about four of ten lines. Most recordings of programs are shorter: this one is for
what an import costs.
"""

import random
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, TextIO

LINES: Final = 800_000
PAGE: Final = 4096
TOP: Final = 0x7F5D_4C00_0000  # where the kernel begins to look for gaps
HEAP: Final = 0x55D0_8000_0000
THREADS: Final = 6
LIVE: Final = 250  # mappings of a process at least, and at most twice as many
LIBRARIES: Final = 40


class Space:
    """The mappings of a process: where each starts and ends, in order."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.heap = HEAP

    def gap(self, size: int) -> int:
        """The highest place that holds `size` bytes."""
        high = TOP
        for at in range(len(self.starts) - 1, -1, -1):
            if high - self.ends[at] >= size:
                return high - size
            high = self.starts[at]
        return high - size

    def map(self, start: int, size: int) -> None:
        at = bisect_left(self.starts, start)
        self.starts.insert(at, start)
        self.ends.insert(at, start + size)

    def unmap(self, at: int) -> tuple[int, int]:
        return self.starts.pop(at), self.ends.pop(at)

    def mapped(self, address: int) -> bool:
        at = bisect_right(self.starts, address) - 1
        return at >= 0 and address < self.ends[at]


class Process:
    """One process and its threads, whose calls come line by line."""

    def __init__(self, pid: int, rng: random.Random) -> None:
        self.threads = [pid + at for at in range(THREADS)]
        self.rng = rng
        self.space = Space()

    def begin(self) -> Iterator[str]:
        pid, space = self.threads[0], self.space
        yield f'{pid} execve("/usr/bin/server", ["server"], 0x7ffd0b0a1cb8 /* 23 vars */) = 0'
        yield f"{pid} brk(NULL) = {HEAP:#x}"
        for library in range(LIBRARIES):
            yield f'{pid} openat(AT_FDCWD, "/lib/lib{library}.so", O_RDONLY|O_CLOEXEC) = 3'
            size = PAGE * self.rng.randint(4, 200)
            start = space.gap(size)
            space.map(start, size)
            yield (
                f"{pid} mmap(NULL, {size}, PROT_READ, MAP_PRIVATE|MAP_DENYWRITE, 3, 0) = {start:#x}"
            )
            yield f"{pid} close(3) = 0"
        for thread in self.threads[1:]:
            yield (
                f"{pid} clone3({{flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|"
                f"CLONE_SYSVSEM|CLONE_SETTLS, exit_signal=0, stack=0x7f0000000000, "
                f"stack_size=0x7fff80}} => {{parent_tid=[{thread}]}}, 88) = {thread}"
            )

    def lines(self) -> Iterator[str]:
        """One call, or two that overlap."""
        rng, space = self.rng, self.space
        pid = rng.choice(self.threads)
        what = rng.random()
        if what < 0.4:
            yield self.other(pid)
        elif len(space.starts) < LIVE or what < 0.62 and len(space.starts) < 2 * LIVE:
            yield from self.maps(pid)
        elif what < 0.78:
            yield from self.unmaps(pid)
        elif what < 0.86:
            start, size = self.part()
            prot = rng.choice(("PROT_READ", "PROT_READ|PROT_WRITE", "PROT_NONE"))
            yield f"{pid} mprotect({start:#x}, {size}, {prot}) = 0"
        elif what < 0.95:
            start, size = self.part()
            advice = rng.choice(("MADV_DONTNEED", "MADV_DONTNEED", "MADV_WILLNEED", "MADV_RANDOM"))
            yield f"{pid} madvise({start:#x}, {size}, {advice}) = 0"
        elif what < 0.98:
            grown = self.space.heap + PAGE * rng.choice((33, 33, -33, 1, -1))
            if grown > HEAP:
                self.space.heap = grown
            yield f"{pid} brk({self.space.heap:#x}) = {self.space.heap:#x}"
        else:
            size = PAGE * rng.randint(1, 8)
            start = space.gap(size)  # the highest gap: nothing is mapped there
            yield (
                f"{pid} mprotect({start:#x}, {size}, PROT_READ) = -1 ENOMEM "
                "(Cannot allocate memory)"
            )

    def other(self, pid: int) -> str:
        rng = self.rng
        return str(pid) + rng.choice(
            (
                f" futex(0x7f5d4a{rng.randrange(1 << 20):06x}, FUTEX_WAKE_PRIVATE, 1) = 1",
                f' read(5, "\\1\\0\\0\\0\\0\\0\\0\\0{rng.randrange(1000)}"..., 4096) = 4096',
                ' write(6, "HTTP/1.1 200 OK\\r\\nContent-Length: '
                f'{rng.randrange(999)}"..., 51) = 51',
                " rt_sigprocmask(SIG_SETMASK, [], NULL, 8) = 0",
                " epoll_wait(4, [{events=EPOLLIN, "
                f"data={{u32={rng.randrange(99)}}}}}], 64, -1) = 1",
                f' newfstatat(AT_FDCWD, "/srv/www/{rng.randrange(9999)}.html", '
                "{st_mode=S_IFREG|0644, st_size=36887, ...}, 0) = 0",
            )
        )

    def sized(self) -> int:
        return PAGE * self.rng.choice((1, 1, 2, 4, 16, 33, 64, 64, 256, 257, 400))

    def maps(self, pid: int) -> Iterator[str]:
        size = self.sized()
        text = f"{pid} mmap(NULL, {size}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"
        if self.rng.random() < 0.1 and len(self.space.starts) > LIBRARIES:
            # Another thread unmaps meanwhile, and this one gets what it freed if it is the highest.
            other = self.rng.choice([each for each in self.threads if each != pid])
            yield f"{text} <unfinished ...>"
            start, end = self.space.unmap(self.rng.randrange(len(self.space.starts)))
            yield f"{other} munmap({start:#x}, {end - start} <unfinished ...>"
            place = self.space.gap(size)
            self.space.map(place, size)
            if self.rng.random() < 0.5:
                yield f"{pid} <... mmap resumed>) = {place:#x}"
                yield f"{other} <... munmap resumed>) = 0"
            else:
                yield f"{other} <... munmap resumed>) = 0"
                yield f"{pid} <... mmap resumed>) = {place:#x}"
            return
        place = self.space.gap(size)
        self.space.map(place, size)
        yield f"{text}) = {place:#x}"

    def unmaps(self, pid: int) -> Iterator[str]:
        start, end = self.space.unmap(self.rng.randrange(len(self.space.starts)))
        if end - start > 8 * PAGE and self.rng.random() < 0.3:
            # A part of it stays.
            kept = start + PAGE * self.rng.randint(1, 7)
            self.space.map(start, kept - start)
            start = kept
        yield f"{pid} munmap({start:#x}, {end - start}) = 0"

    def part(self) -> tuple[int, int]:
        at = self.rng.randrange(len(self.space.starts))
        start, end = self.space.starts[at], self.space.ends[at]
        first = self.rng.randrange((end - start) // PAGE)
        pages = self.rng.randint(1, (end - start) // PAGE - first)
        return start + first * PAGE, pages * PAGE


def write(out: TextIO, lines: int, seed: int) -> None:
    """Write at least `lines` lines."""
    rng = random.Random(seed)
    processes = [Process(1000, rng), Process(2000, rng)]
    written = 0
    for process in processes:
        for line in process.begin():
            out.write(line + "\n")
            written += 1
    while written < lines:
        for line in rng.choice(processes).lines():
            out.write(line + "\n")
            written += 1


def main() -> None:
    path = sys.argv[1]
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else LINES
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with open(path, "w", encoding="ascii") as out:
        write(out, lines, seed)


if __name__ == "__main__":
    main()
