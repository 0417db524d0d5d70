# SPDX-License-Identifier: MIT
"""Whatever stands in a file: an import takes it, lists it, or refuses it, and never fails."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import text
from corpus.perf import parse as perf
from corpus.recording.events import Log, RecordingError
from corpus.recording.report import Report, import_log
from corpus.strace import parse as strace
from corpus.syz.report import import_program

SYZ = """r0 = memfd_create(&(0x7f0000000000)='m\\x00', 0x0)
ftruncate(r0, 0x3000)
mmap(&(0x7f0000000000/0x4000)=nil, 0x4000, 0x3, 0x12, r0, 0x1000) (async)
mremap(&(0x7f0000000000/0x2000)=nil, 0x2000, 0x3000, 0x3, &(0x7f0000009000/0x3000)=nil)
pwrite64(r0, &(0x7f0000001000)="61"/64, 0x40, 0x2400) (rerun: 2)
r1 = syz_open_procfs$pagemap(0x0, 0x0)
pread64(r1, &(0x7f0000001000)=""/8, 0x10, 0x100000000)
process_madvise(r1, &(0x7f0000000000)=[{&(0x7f0000001000), 0x1000}], 0x1, 0x4, 0x0)
syz_clone3(&(0x7f0000000000)={0x100, <r2=>0x0}, 0x58)
shmat(r1, &(0x7f0000001000/0x1000)=nil, 0x0)"""
PERF = """1.000 ( 0.001 ms): p/1 mmap(len: 8192, prot: READ, flags: PRIVATE|ANONYMOUS) = 0x10000
2.000 ( 0.000 ms): p/1 minfault [main+0x1] => //anon@0x10008 (d.)
3.000 ( 0.001 ms): p/1 mremap(addr: 0x10000, old_len: 8192, new_len: 4096) = 0x10000
? (         ): p/2 ... [continued]: clone())  =
4.000 ( 0.001 ms): p/1 clone(clone_flags: CHILD_SETTID|0x11, child_tidptr: 0x7f) = 2 (p)
5.000 (         ): p/2 exit_group()  = ?"""
STRACE = """1 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x10000
1 fork() = 2
2 madvise(0x10000, 4096, 0x4) = 0
2 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---
1 openat(AT_FDCWD, "/proc/self/pagemap", O_RDONLY) = 3
1 pread64(3, "\\0\\0\\0\\0\\0\\0\\0\\0", 8, 128) = 8
2 +++ exited with 0 +++"""

NASTY = (
    "",
    "0",
    "-1",
    "0x",
    "0xffffffffffffffff",
    "9" * 5000,
    "r0",
    "nil",
    "(",
    "[" * 99,
    "=",
    "|",
    "\u0661",
    "&(0x7f0000000000)=",
    "@a",
    "'",
    '"',
    "...",
    "ANON",
    "\ud7ff",
)


def damaged(good: str) -> st.SearchStrategy[str]:
    """Lines of a good file in any order, some with a piece replaced by something nasty."""
    lines = good.split("\n")

    @st.composite
    def make(draw: st.DrawFn) -> str:
        found = []
        for line in draw(st.lists(st.sampled_from(lines), min_size=1, max_size=12)):
            if draw(st.booleans()):
                at = draw(st.integers(0, len(line)))
                size = draw(st.integers(0, 8))
                line = line[:at] + draw(st.sampled_from(NASTY)) + line[at + size :]
            found.append(line)
        return "\n".join(found)

    return make()


def syz(path: Path) -> Report:
    return import_program(path)


def recorded(load: Callable[[Path], Log]) -> Callable[[Path], Report]:
    return lambda path: import_log(load(path))


@pytest.mark.parametrize(
    ("good", "read"),
    [(SYZ, syz), (PERF, recorded(perf.load)), (STRACE, recorded(strace.load))],
    ids=["syz", "perf", "strace"],
)
def test_damaged_files(
    tmp_path_factory: pytest.TempPathFactory, good: str, read: Callable[[Path], Report]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "file"

    @settings(max_examples=100, deadline=None)
    @given(damaged(good))
    def check(content: str) -> None:
        path.write_text(content, encoding="utf-8")
        try:
            report = read(path)
        except RecordingError:
            return
        assert sum(report.mm_calls.values()) == sum(report.taken.values()) + sum(
            listing.count for listing in report.listed
        )
        for scenario in report.scenarios:
            assert text.parse(text.dump(scenario)) == scenario

    path.write_text(good)
    assert read(path).scenarios
    check()
