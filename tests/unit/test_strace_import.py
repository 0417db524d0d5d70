# SPDX-License-Identifier: MIT
"""From calls of a log to ops: processes, files, layouts, pinned addresses, reasons."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import text as canonical
from corpus.recording import values
from corpus.recording.arguments import small_memfd
from corpus.recording.events import RecordingError
from corpus.recording.follow import Ended, Forked
from corpus.recording.layout import ANON, Layout, Region
from corpus.recording.steps import ENTRY, ERRNO, OK, PAGE, SIGNAL, Answer, Step
from simulator import ops
from simulator.outcome import Outcome
from simulator.scenario import Scenario
from simulator.validate import validate
from tests.unit.recorded import check, followed, translated, windows

ANON_FLAGS = "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"


def mapped(page: int, pages: int, at: str = "") -> str:
    where = f"{page << 12:#x}" if at else "NULL"
    flags = f"{at}|{ANON_FLAGS}" if at else ANON_FLAGS
    return f"mmap({where}, {pages << 12}, PROT_READ|PROT_WRITE, {flags}) = {page << 12:#x}\n"


def step_of(text: str) -> Step:
    """The last step of a log."""
    return translated(text).steps[-1]


def reason_of(text: str) -> str:
    (listed,) = translated(text).listed
    return listed[2]


def test_a_chosen_address_is_pinned_to_the_result() -> None:
    step = step_of("mmap(NULL, 5000, PROT_READ, MAP_SHARED|MAP_ANONYMOUS, -1, 0) = 0x7f0000\n")
    assert step.args == (0x7F0, 0x7F2, 1, 1, ANON, 0, 0)
    assert step.chosen
    assert step.answer == Answer(PAGE, 0x7F0)


def test_a_fixed_address_is_not_the_kernels_choice() -> None:
    assert not step_of(mapped(16, 1, "MAP_FIXED")).chosen
    step = step_of(
        mapped(16, 1) + "mmap(0x10000, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|"
        "MAP_FIXED_NOREPLACE, -1, 0) = -1 EEXIST (File exists)\n"
    )
    assert step.args[6] == ops.MMAP_NOREPLACE
    assert step.answer == Answer(ERRNO, 0, "EEXIST")


def test_raw_numbers_and_names_say_the_same() -> None:
    raw = step_of("mmap(NULL, 4096, 0x3, 0x8022, -1, 0) = 0x10000\n")
    named = step_of(
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|"
        "MAP_POPULATE, -1, 0) = 0x10000\n"
    )
    assert raw.args == named.args
    assert raw.args[6] == ops.MMAP_POPULATE


def test_files_are_told_apart_by_what_was_opened() -> None:
    log = translated(
        'openat(AT_FDCWD, "/lib/a.so", O_RDONLY|O_CLOEXEC) = 3\n'
        "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x10000\n"
        "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x1000) = 0x20000\n"
        "close(3) = 0\n"
        'openat(AT_FDCWD, "/lib/b.so", O_RDONLY|O_CLOEXEC) = 3\n'
        "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x30000\n"
    )
    assert [step.args[4:6] for step in log.steps] == [(0, 0), (0, 1), (1, 0)]


def test_a_memory_file_is_made_when_it_gets_its_size_and_cut_to_whole_words() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nftruncate(3, 10000) = 0\n'
        "mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x10000\n"
    )
    assert [(step.code, step.args[0]) for step in log.steps] == [
        (ops.OP_MEMFD, 0),
        (ops.OP_FTRUNCATE, 2),
        (ops.OP_MMAP, 16),
    ]
    assert [step.args for step in log.steps[:2]] == [(0, 3), (2, 2)]
    assert log.listed == []


def test_a_memory_file_that_is_made_changes_its_size() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nftruncate(3, 4096) = 0\nftruncate(3, 8192) = 0\n'
        "mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x10000\n"
        "ftruncate(3, 4096) = 0\n"
    )
    assert [(step.code, step.args) for step in log.steps if step.code != ops.OP_MMAP] == [
        (ops.OP_MEMFD, (0, 1)),
        (ops.OP_FTRUNCATE, (0, 2)),
        (ops.OP_FTRUNCATE, (0, 1)),
    ]
    assert log.listed == []


def test_pages_of_a_memory_file_are_allocated_and_removed() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nftruncate(3, 16384) = 0\n'
        "fallocate(3, FALLOC_FL_KEEP_SIZE, 8192, 16384) = 0\n"
        "fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 4096, 8192) = 0\n"
        "ftruncate(3, 0) = 0\n"
        "fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 4096, 100) = 0\n"
    )
    assert [(step.code, step.args) for step in log.steps] == [
        (ops.OP_MEMFD, (0, 4)),
        (ops.OP_FALLOCATE, (0, 2, 4, ops.FALLOC_KEEP_SIZE)),
        (ops.OP_FALLOCATE, (0, 1, 2, ops.FALLOC_PUNCH_HOLE)),
        (ops.OP_FTRUNCATE, (0, 0)),
    ]
    assert [reason for _, _, reason in log.listed] == ["allocates or removes parts of pages"]


def test_a_memory_file_grows_with_fallocate_and_with_what_is_written_behind_its_end() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nfallocate(3, 0, 0, 4096) = 0\n'
        'lseek(3, 8190, SEEK_SET) = 8190\nwrite(3, "abcd", 4) = 4\n'
        "mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x10000\n"
    )
    assert [(step.code, step.args) for step in log.steps if step.code != ops.OP_MMAP] == [
        (ops.OP_MEMFD, (0, 1)),
        (ops.OP_FALLOCATE, (0, 0, 1, ops.FALLOC_ALLOCATE)),
        (ops.OP_PWRITE, (3, 1)),
        (ops.OP_PWRITE, (0, 2)),
    ]


def test_reads_and_writes_of_a_memory_file_go_on_where_the_last_one_ended() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nftruncate(3, 8192) = 0\nwrite(3, "ab", 2) = 2\n'
        'write(3, "cd", 2) = 2\nlseek(3, 4096, SEEK_SET) = 4096\n'
        'read(3, "\\0", 1) = 1\n1 dup(3) = 4\n'
    )
    words = [(step.code, step.args) for step in log.steps if step.code != ops.OP_MEMFD]
    assert words == [(ops.OP_PWRITE, (0, 0)), (ops.OP_PWRITE, (0, 0)), (ops.OP_PREAD, (0, 1))]


def test_a_memory_file_too_large_for_the_model_is_listed_and_still_mapped() -> None:
    log = translated(
        'memfd_create("m", 0) = 3\nftruncate(3, 1073741824) = 0\n'
        "mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3, 0) = 0x10000\n"
    )
    assert [step.code for step in log.steps] == [ops.OP_MMAP]
    assert [name for _, name, _ in log.listed] == ["ftruncate(memfd)"]


def test_the_heap_is_mapped_and_unmapped_by_brk() -> None:
    log = translated(
        "brk(NULL) = 0x10800\nbrk(0x14000) = 0x14000\nbrk(0x14800) = 0x14800\n"
        "brk(0x14fff) = 0x14fff\nbrk(0x12000) = 0x12000\nbrk(0x99000) = 0x12000\n"
    )
    assert [(step.code, step.args[:2]) for step in log.steps] == [
        (ops.OP_MMAP, (0x11, 0x14)),
        (ops.OP_MMAP, (0x14, 0x15)),
        (ops.OP_MUNMAP, (0x12, 0x15)),
    ]
    assert [reason for _, _, reason in log.listed] == [
        "only asks where the heap ends",
        "stays within a page",
        "failed: no room, or a limit",
    ]


@pytest.mark.parametrize(
    ("arguments", "result", "args"),
    [
        ("8192, 4096, 0", "0x10000", (16, 18, 16, 17, 0)),
        ("8192, 16384, MREMAP_MAYMOVE", "0x20000", (16, 18, 32, 36, 0)),
        ("8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x30000", "0x30000", (16, 18, 48, 50, 0)),
        ("8192, 8192, MREMAP_MAYMOVE|MREMAP_DONTUNMAP, 0", "0x30000", (16, 18, 48, 50, 1)),
        ("8192, 16384, MREMAP_MAYMOVE", "-1 EFAULT (Bad address)", (16, 18, 16, 20, 0)),
        ("8192, 16384, 0", "-1 ENOMEM (x)", (16, 18, 16, 20, 0)),
    ],
)
def test_mremap_names_the_place_it_went_to(
    arguments: str, result: str, args: tuple[int, ...]
) -> None:
    assert step_of(f"mremap(0x10000, {arguments}) = {result}\n").args == args


def test_signals_become_the_touch_that_failed() -> None:
    segv = "--- SIGSEGV {si_signo=SIGSEGV, si_code=%s, si_addr=0x10008} ---\n"
    stored = step_of(
        mapped(16, 1) + "mprotect(0x10000, 4096, PROT_READ) = 0\n" + segv % "SEGV_ACCERR"
    )
    assert (stored.code, stored.args, stored.answer) == (
        ops.OP_WRITE,
        (64,),
        Answer(SIGNAL, 0, "SIGSEGV"),
    )
    loaded = step_of(mapped(16, 1) + "munmap(0x10000, 4096) = 0\n" + segv % "SEGV_MAPERR")
    assert loaded.code == ops.OP_READ
    nothing_known = translated("brk(NULL) = 0x1000\n" + segv % "SEGV_MAPERR")
    assert nothing_known.steps == []


def test_pagemap_reads_are_ops_with_the_entry_that_was_seen() -> None:
    log = translated(
        'openat(AT_FDCWD, "/proc/self/pagemap", O_RDONLY) = 3\n'
        + r'pread64(3, "\1\0\0\0\0\0\0\200\0\0\0\0\0\0\0\0", 16, 128) = 16'
        + "\n"
    )
    assert [(step.args, step.answer) for step in log.steps] == [
        ((16,), Answer(ENTRY, 1 << 63 | 1)),
        ((17,), Answer(ENTRY, 0)),
    ]
    assert log.translation.taken == Counter({"pread64(pagemap)": 1})


def test_clear_refs_and_mem_are_ops() -> None:
    log = translated(
        'open("/proc/self/clear_refs", O_WRONLY) = 3\nwrite(3, "4", 1) = 1\n'
        'open("/proc/77/mem", O_RDWR) = 4\npwrite64(4, "\\1", 1, 66560) = 1\n'
        'pread64(4, "\\1", 1, 65536) = -1 EIO (Input/output error)\n'
    )
    assert [(step.code, step.args) for step in log.steps] == [
        (ops.OP_CLEAR_REFS, (1,)),
        (ops.OP_MEM_WRITE, (65,)),
        (ops.OP_MEM_READ, (64,)),
    ]
    assert log.steps[2].answer == Answer(ERRNO, 0, "EIO")


def test_process_madvise_of_oneself_is_one_madvise_a_vector() -> None:
    log = translated(
        "process_madvise(-10000, [{iov_base=0x10000, iov_len=4096}, "
        "{iov_base=0x20000, iov_len=8192}], 2, 0x66, 0) = 12288\n"
    )
    assert [step.args for step in log.steps] == [
        (16, 17, ops.MADV_GUARD_INSTALL),
        (32, 34, ops.MADV_GUARD_INSTALL),
    ]
    assert log.translation.taken == Counter({"process_madvise": 1})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("munmap(0x1, 65536) = -1 EINVAL (Invalid argument)", "not page-aligned"),
        ("munmap(0x1000, 0) = -1 EINVAL (Invalid argument)", "length is 0"),
        ("munmap(0x7ffffffff000, 8192) = -1 EINVAL (x)", "beyond the address space"),
        ("mlock(0x1000, 4096) = 0", "no op for it yet"),
        ("madvise(0x1000, 4096, MADV_MERGEABLE) = 0", "no advice MADV_MERGEABLE"),
        ("madvise(0x1000, 4096, 0xc /* MADV_??? */) = 0", "no advice MADV_MERGEABLE"),
        ("madvise(0x1000, 4096, 0x7b) = -1 EINVAL (x)", "no advice 0x7b"),
        (
            "mmap(NULL, 4096, 0x1, 0x2, 3, 0) = -1 EACCES (Permission denied)",
            "failed: scenarios have",
        ),
        ("mmap(NULL, 4096, PROT_READ|PROT_SEM, 0x22, -1, 0) = 0x1000", "protection bits"),
        ("mmap(NULL, 4096, PROT_READ, MAP_NEW|MAP_PRIVATE, -1, 0) = 0x1000", "flags"),
        (
            "mremap(0x1000, 4096, 4096, MREMAP_FIXED, 0x5000) = -1 EINVAL (x)",
            "scenarios cannot say",
        ),
        (
            "mremap(0x1000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x1000) = -1 EINVAL (x)",
            "its own start",
        ),
        ("brk(0x5000) = 0x5000", "where the heap ended before"),
        ("mremap(0x1000, 4096 <unfinished ...>", "did not return"),
        ("clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 5", "shares its address space"),
        ("fork() = -1 EAGAIN (x)", "failed: EAGAIN"),
        (
            "process_madvise(5, [{iov_base=0x10000, iov_len=4096}], 1, MADV_DONTNEED, 0) = 4096",
            "another process",
        ),
    ],
)
def test_what_is_not_taken_is_listed_with_its_reason(line: str, reason: str) -> None:
    assert reason in reason_of(line + "\n")


def test_ioctls_of_userfaultfd_have_names_where_strace_shows_them_in_parts() -> None:
    assert set(map(values.uffdio, values.UFFDIO)) == set(values.UFFDIO)
    assert values.uffdio("_IOC(_IOC_READ|_IOC_WRITE, 0xaa, 0x3, 0x28)") == "UFFDIO_COPY"
    assert values.uffdio("_IOC(_IOC_READ, 0xaa, 0x1, 0x10)") == "UFFDIO_UNREGISTER"
    assert values.uffdio("_IOC(_IOC_READ, 0x66, 0x10, 0x60)").startswith("_IOC")
    log = "userfaultfd(0) = 3\nioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0xaa, 0, 0x20), 0x7ffd) = 0\n"
    assert any("UFFDIO_REGISTER" in listed[2] for listed in translated(log).listed)


def test_flags_that_the_model_has_not_are_listed_and_a_mapping_stands_in() -> None:
    log = translated(
        "mmap(NULL, 4096, 0x3, MAP_PRIVATE|MAP_ANONYMOUS|MAP_LOCKED, -1, 0) = 0x10000\n"
    )
    assert "MAP_LOCKED" in log.listed[0][2]
    assert [(step.code, step.answer) for step in log.steps] == [(ops.OP_MMAP, None)]


def test_shared_segments_are_listed_and_mappings_stand_in() -> None:
    log = translated(
        "shmget(0x61, 8192, IPC_CREAT|0600) = 5\nshmat(5, NULL, 0) = 0x10000\nshmdt(0x10000) = 0\n"
    )
    assert [(step.code, step.args[:2], step.answer) for step in log.steps] == [
        (ops.OP_MMAP, (16, 18), None),
        (ops.OP_MUNMAP, (16, 18), None),
    ]
    assert len(log.listed) == 3


def test_what_a_call_proves_about_the_time_before_is_inferred() -> None:
    log = translated(
        mapped(16, 1) + "mprotect(0x10000, 12288, PROT_READ) = 0\n"
        "mprotect(0x40000, 4096, PROT_READ) = -1 ENOMEM (x)\n"
    )
    (region,) = log.segments[0].before[0].regions
    assert (region.start, region.end) == (17, 19)


def test_nothing_is_inferred_where_the_log_told_what_there_was() -> None:
    log = translated(
        mapped(16, 2) + "munmap(0x11000, 4096) = 0\nmprotect(0x10000, 8192, PROT_READ) = 0\n"
    )
    assert log.segments[0].before[0].regions == []


def test_forked_children_have_a_copy_and_execve_starts_anew() -> None:
    spaces, events = followed(
        '1 fork() = 2\n2 brk(NULL) = 0x1000\n2 execve("/bin/x", [], NULL) = 0\n'
        "2 brk(NULL) = 0x2000\n2 +++ exited with 0 +++\n1 +++ exited with 0 +++\n"
    )
    assert [(space.parent, space.pid) for space in spaces] == [(None, 1), (0, 2), (None, 2)]
    assert [(event.space, event.child) for event in events if isinstance(event, Forked)] == [(0, 1)]
    assert [event.space for event in events if isinstance(event, Ended)] == [1, 2, 0]


def test_threads_and_vfork_children_share_the_space() -> None:
    spaces, events = followed(
        "1 vfork( <unfinished ...>\n2 brk(NULL) = 0x1000\n"
        '2 execve("/bin/x", [], NULL) = 0\n1 <... vfork resumed>) = 2\n'
        "1 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, stack=0x1}, 88) = 3\n"
        "3 brk(NULL) = 0x1000\n1 +++ exited with 0 +++\n3 +++ exited with 0 +++\n"
    )
    assert len(spaces) == 2
    assert [(e.line, e.space) for e in events if isinstance(e, Ended)] == [(8, 0)]


def test_a_fork_stands_before_its_childs_first_call() -> None:
    log = translated(
        "1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
        f"2 {mapped(16, 1)}1 <... clone resumed>) = 2\n"
    )
    assert [step.code for step in log.steps] == [ops.OP_FORK, ops.OP_MMAP]
    assert [step.space for step in log.steps] == [0, 1]


def test_descriptors_are_copied_by_fork_and_closed_by_execve() -> None:
    log = translated(
        '1 memfd_create("m", MFD_CLOEXEC) = 3\n1 ftruncate(3, 4096) = 0\n'
        "1 fork() = 2\n2 mmap(NULL, 4096, 0x1, 0x1, 3, 0) = 0x10000\n"
        '2 execve("/x", [], NULL) = 0\n'
        "2 mmap(NULL, 4096, 0x1, 0x1, 3, 0) = 0x10000\n"
    )
    mmaps = [step.args[4] for step in log.steps if step.code == ops.OP_MMAP]
    assert small_memfd(log.translation.files[mmaps[0]])
    assert not small_memfd(log.translation.files[mmaps[1]])


def test_a_fixed_point_of_the_answers_is_kept() -> None:
    assert Answer.ok().good
    assert str(Answer.ok()) == OK
    assert str(Answer(PAGE, 16)) == "0x10000"
    assert not Answer(SIGNAL, 0, "SIGSEGV").good


def test_layouts_split_move_and_merge() -> None:
    layout = Layout()
    layout.map(Region(0, 8, 3, False, ANON, 0))
    layout.protect(2, 4, 1)
    assert [(r.start, r.end, r.prot) for r in layout.regions] == [(0, 2, 3), (2, 4, 1), (4, 8, 3)]
    layout.protect(2, 4, 3)
    assert [(r.start, r.end) for r in layout.regions] == [(0, 8)]
    layout.map(Region(8, 12, 1, True, 5, 3))
    layout.unmap(9, 10)
    assert [(r.start, r.offset) for r in layout.regions] == [(0, 0), (8, 3), (10, 5)]
    layout.move(10, 12, 20, 23, keep=False)
    assert [(r.start, r.end) for r in layout.regions] == [(0, 8), (8, 9), (20, 23)]
    assert list(layout.holes(0, 24)) == [(9, 20), (23, 24)]


MM_LINE = st.sampled_from(
    [
        mapped(16, 4),
        mapped(20, 2, "MAP_FIXED"),
        "munmap(0x11000, 8192) = 0\n",
        "mprotect(0x10000, 8192, PROT_READ) = 0\n",
        "mprotect(0x13000, 4096, 0) = -1 ENOMEM (x)\n",
        "mremap(0x10000, 4096, 8192, MREMAP_MAYMOVE) = 0x40000\n",
        "brk(NULL) = 0x800000\n",
        "brk(0x810000) = 0x810000\n",
        "madvise(0x10000, 4096, 0x66) = 0\n",
        "mlockall(1) = 0\n",
        'memfd_create("m", 0) = 4\n',
        "ftruncate(4, 8192) = 0\n",
        "fork() = 2\n",
        "fork() = 3\n",
        "mmap(NULL, 8192, 0x3, 0x1, 4, 0) = 0x50000\n",
        "close(4) = 0\n",
        "read(4, 0x1, 1) = 1\n",
        "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10000} ---\n",
        'execve("/x", [], NULL) = 0\n',
        "+++ exited with 0 +++\n",
        "mmap() = 0\n",
        "munmap(x) = 0\n",
    ]
)
LOGS = st.lists(
    st.tuples(st.sampled_from(("1 ", "2 ", "3 ")), MM_LINE).map("".join), min_size=1, max_size=25
).map("".join)


@given(LOGS)
@settings(max_examples=200, deadline=None)
def test_every_mm_call_of_any_log_is_taken_or_listed(text: str) -> None:
    try:
        log = translated(text)
    except RecordingError:
        return
    assert log.translation.calls == log.translation.taken + Counter(
        name for (name, _), count in log.translation.listed.items() for _ in range(count)
    )


class Validating:
    """A machine that only looks whether it could run."""

    def run(self, scenario: Scenario) -> Outcome:
        validate(scenario)
        return Outcome(None, "0" * 16, 0, [0] * len(scenario.ops))


@given(LOGS)
@settings(max_examples=200, deadline=None)
def test_scenarios_of_any_log_are_valid(text: str) -> None:
    try:
        log = translated(text)
    except RecordingError:
        return
    for scenario in windows(log)[0]:
        assert canonical.parse(canonical.dump(scenario)) == scenario
    checked = check(log, Validating())
    assert checked.compared == checked.agreed + len(checked.explained) + len(checked.disagreements)
