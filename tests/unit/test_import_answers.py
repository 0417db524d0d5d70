# SPDX-License-Identifier: MIT
"""What an import says of single answers: possible in some order, explained by what can cause them,
or wrong."""

import pytest

from corpus.recording.check import Checked
from corpus.recording.marks import Marks
from corpus.recording.spans import Spans
from simulator.run import Machine
from tests.unit.recorded import checked, translated

MACHINE = Machine()
ANON = "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0"
RW = "PROT_READ|PROT_WRITE"
THREAD = "7 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 8\n"


def mapped(page: int, pages: int = 1, pid: str = "7 ", prot: str = RW, flags: str = ANON) -> str:
    return f"{pid}mmap(NULL, {pages << 12}, {prot}, {flags}) = {page << 12:#x}\n"


def check(*lines: str) -> Checked:
    found = checked(
        "".join(line if line.endswith("\n") else f"7 {line}\n" for line in lines), MACHINE
    )
    assert found.compared == found.agreed + len(found.explained) + len(found.disagreements)
    return found


def wrong(*lines: str) -> list[tuple[int, str, str]]:
    """The disagreements: line, what the log says, what is right."""
    return [(each.line, each.log, each.model) for each in check(*lines).disagreements]


def reason(*lines: str) -> str:
    """Why the last answer differs."""
    found = check(*lines)
    assert found.disagreements == []
    (difference,) = found.explained
    assert difference.line == len("".join(lines).split("\n")) - 1 or len(lines) == difference.line
    return difference.reason


# Calls that overlap.


def test_a_mapping_may_take_what_another_thread_frees_meanwhile() -> None:
    assert (
        wrong(
            mapped(0x7F000, 4),
            THREAD,
            f"8 mmap(NULL, 4096, {RW}, {ANON} <unfinished ...>\n",
            "munmap(0x7f000000, 16384) = 0",
            "8 <... mmap resumed>) = 0x7f001000\n",
        )
        == []
    )


def test_nor_is_it_the_order_of_their_ends() -> None:
    """The mmap() that returns last came first: the pages that it got were free before."""
    assert (
        wrong(
            mapped(0x7F000, 4),
            "munmap(0x7f002000, 4096) = 0",
            THREAD,
            f"8 mmap(NULL, 4096, {RW}, {ANON} <unfinished ...>\n",
            "mprotect(0x7f000000, 16384, PROT_READ) = 0",
            "8 <... mmap resumed>) = 0x7f002000\n",
        )
        == []
    )


def test_what_had_returned_before_the_other_began_came_first() -> None:
    assert wrong(
        mapped(0x7F000, 4),
        THREAD,
        f"8 mmap(NULL, 4096, {RW}, {ANON} <unfinished ...>\n",
        "8 <... mmap resumed>) = 0x7f001000\n",
        "munmap(0x7f000000, 16384) = 0",
    ) == [(3, "0x7f001000", "EEXIST")]


def test_an_endless_chain_of_calls_is_put_into_order_part_by_part() -> None:
    lines = [mapped(0x7F000), THREAD]
    free, held = 0x7F100, 0x7F000
    for _ in range(200):  # each begins before the one before returned
        lines.append(f"8 mmap(NULL, 4096, {RW}, {ANON} <unfinished ...>\n")
        lines.append(f"7 munmap({held << 12:#x}, 4096 <unfinished ...>\n")
        lines.append(f"8 <... mmap resumed>) = {held << 12:#x}\n")
        lines.append(f"8 munmap({held << 12:#x}, 4096 <unfinished ...>\n")
        lines.append("7 <... munmap resumed>) = 0\n")
        lines.append(f"7 mmap(NULL, 4096, {RW}, {ANON} <unfinished ...>\n")
        lines.append("8 <... munmap resumed>) = 0\n")
        lines.append(f"8 madvise({free << 12:#x}, 4096, MADV_DONTNEED <unfinished ...>\n")
        lines.append(f"7 <... mmap resumed>) = {held << 12:#x}\n")
        lines.append("8 <... madvise resumed>) = -1 ENOMEM (x)\n")
    found = check(mapped(free), f"munmap({free << 12:#x}, 4096) = 0", *lines)
    assert found.disagreements == []
    assert found.agreed > 900


def test_a_child_begins_with_what_was_mapped_when_it_was_forked() -> None:
    assert (
        wrong(
            mapped(0x7F000, 2),
            "madvise(0x7f000000, 4096, MADV_DONTFORK) = 0",
            "7 fork( <unfinished ...>\n",
            "9 mprotect(0x7f000000, 4096, PROT_READ) = -1 ENOMEM (x)\n",
            "9 mprotect(0x7f001000, 4096, PROT_READ) = 0\n",
            "7 <... fork resumed>) = 9\n",
            "mprotect(0x7f000000, 4096, PROT_READ) = 0",
        )
        == []
    )


# What the heads of the calls say.


@pytest.mark.parametrize(
    ("call", "right"),
    [
        ("munmap(0x7ffffffff000, 4096)", "EINVAL"),
        ("munmap(0x7ffffffe000, 0)", "EINVAL"),
        ("munmap(0x7f000001, 4096)", "EINVAL"),
        ("mprotect(0x7f000000, 0, PROT_READ)", "ok"),
        (
            "mremap(0x7f000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0xb9fd99af81491000)",
            "EINVAL",
        ),
        ("mremap(0x7f000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffffffff000)", "EINVAL"),
        ("mremap(0x7f000000, 4096, 4096, MREMAP_FIXED, 0x7f100000)", "EINVAL"),
        ("mremap(0x7f000000, 4096, 0, 0)", "EINVAL"),
        ("mremap(0x7f000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f000000)", "EINVAL"),
        (f"mmap(0x7ffffffff000, 4096, {RW}, MAP_FIXED|{ANON})", "ENOMEM or EBADF"),
        (f"mmap(0x7f000001, 4096, {RW}, MAP_FIXED|{ANON})", "EINVAL or EBADF"),
    ],
)
def test_arguments_beyond_what_scenarios_say_have_answers_of_their_own(
    call: str, right: str
) -> None:
    errno = "ok" if right == "ok" else right.split(" ")[0]
    good = "= 0" if errno == "ok" else f"= -1 {errno} (x)"
    assert wrong(mapped(0x7F000), f"{call} {good}") == []
    bad = "= -1 EAGAIN (x)"
    ((line, log, model),) = wrong(mapped(0x7F000), f"{call} {bad}")
    assert (line, log) == (2, "EAGAIN")
    assert model.startswith(right)


def test_the_task_ends_one_page_before_the_address_space() -> None:
    (step,) = translated("munmap(0x7fffffffe000, 4096) = 0\n").steps
    assert step.args == (0x7FFFFFFFE, 0x7FFFFFFFF)


# Answers that need a cause.


@pytest.mark.parametrize("errno", ["ENOMEM", "EINVAL", "EACCES", "EPERM", "EAGAIN"])
def test_a_small_mapping_does_not_fail_without_a_reason(errno: str) -> None:
    assert wrong(f"mmap(NULL, 4096, {RW}, {ANON}) = -1 {errno} (x)") == [(1, errno, "ok")]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (
            [
                "prctl(0x41 /* PR_??? */, 0x1, 0, 0, 0) = 0",
                mapped(0x7F000),
                "mprotect(0x7f000000, 4096, PROT_READ|PROT_EXEC) = -1 EACCES (x)",
            ],
            "PR_SET_MDWE",
        ),
        (
            [
                "prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) = 0",
                f"mmap(NULL, 4096, {RW}|PROT_EXEC, {ANON}) = -1 EACCES (x)",
            ],
            "PR_SET_MDWE",
        ),
        (
            [
                "prlimit64(0, RLIMIT_AS, {rlim_cur=1048576, rlim_max=1048576}, NULL) = 0",
                f"mmap(NULL, 8192, {RW}, {ANON}) = -1 ENOMEM (x)",
            ],
            "RLIMIT_AS is 1048576, says line 1",
        ),
        (
            [
                "setrlimit(RLIMIT_DATA, {rlim_cur=64*1024, rlim_max=64*1024}) = 0",
                mapped(0x7F000, 8),
                f"mprotect(0x7f000000, 8192, {RW}) = -1 ENOMEM (x)",
            ],
            "RLIMIT_DATA is 65536",
        ),
        (
            [
                'open("/etc/a", O_RDONLY) = 3',
                mapped(0x7F000, 1, "7 ", "PROT_READ", "MAP_SHARED, 3, 0"),
                f"mprotect(0x7f000000, 4096, {RW}) = -1 EACCES (x)",
            ],
            "/etc/a was opened in line 1",
        ),
        (
            [
                'open("/etc/a", O_WRONLY) = 3',
                "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = -1 EACCES (x)",
            ],
            "not for reading",
        ),
        (
            [
                'memfd_create("m", MFD_ALLOW_SEALING) = 3',
                "ftruncate(3, 4096) = 0",
                "fcntl(3, F_ADD_SEALS, F_SEAL_WRITE) = 0",
                f"mmap(NULL, 4096, {RW}, MAP_SHARED, 3, 0) = -1 EPERM (x)",
            ],
            "sealed in line 3",
        ),
        (
            [
                mapped(0x7F000),
                "syscall_0x1ce(0x7f000000, 0x1000, 0, 0, 0, 0) = 0",
                "munmap(0x7f000000, 4096) = -1 EPERM (x)",
            ],
            "after mseal of line 2",
        ),
        (
            [
                "shmget(IPC_PRIVATE, 8192, 0600) = 5",
                "shmat(5, NULL, SHM_RDONLY) = 0x7f000000",
                f"mprotect(0x7f000000, 4096, {RW}) = -1 EACCES (x)",
            ],
            "attached read-only",
        ),
        (
            [
                "mlockall(MCL_FUTURE) = 0",
                mapped(0x7F000),
                "madvise(0x7f000000, 4096, MADV_DONTNEED) = -1 EINVAL (x)",
            ],
            "after mlockall of line 1",
        ),
        (["madvise(0x7f000000, 4096, MADV_DONTNEED) = -1 EINVAL (x)"], "before the log began"),
        (
            [
                "seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=4, filter=0x1}) = 0",
                mapped(0x7F000),
                "munmap(0x7f000000, 4096) = -1 EPERM (x)",
            ],
            "line 1 sets a filter",
        ),
        (
            [
                mapped(0x7F000, 4),
                "mbind(0x7f001000, 4096, MPOL_BIND, [0], 64, 0) = 0",
                "mremap(0x7f000000, 16384, 32768, MREMAP_MAYMOVE) = -1 EFAULT (x)",
            ],
            "it splits VMAs",
        ),
        (
            [
                'open("/dev/dri/card0", O_RDWR) = 3',
                mapped(0x7F000, 1, "7 ", RW, "MAP_SHARED, 3, 0"),
                "madvise(0x7f000000, 4096, MADV_DONTNEED) = -1 EINVAL (x)",
            ],
            "a mapping of /dev/dri/card0",
        ),
    ],
)
def test_a_difference_names_what_can_cause_it(lines: list[str], why: str) -> None:
    assert why in reason(*lines)


@pytest.mark.parametrize(
    "lines",
    [
        # Nothing of this can have that effect: another errno, other pages, another call, gone.
        [
            mapped(0x7F000),
            "madvise(0x7f000000, 4096, MADV_NOHUGEPAGE) = 0",
            "munmap(0x7f000000, 4096) = -1 EINVAL (x)",
        ],
        [
            mapped(0x7F000),
            "mlockall(MCL_CURRENT) = 0",
            "mprotect(0x7f000000, 4096, PROT_READ) = -1 EACCES (x)",
        ],
        [
            mapped(0x7F000),
            "mlock(0x7f000000, 4096) = 0",
            "munlock(0x7f000000, 4096) = 0",
            "madvise(0x7f000000, 4096, MADV_DONTNEED) = -1 EINVAL (x)",
        ],
        [
            mapped(0x7F000),
            "mseal(0x7f000000, 4096, 0) = 0",
            "mprotect(0x7f000000, 4096, PROT_READ) = -1 ENOMEM (x)",
        ],
        [
            "prctl(PR_SET_MDWE, 1, 0, 0, 0) = 0",
            mapped(0x7F000),
            "mprotect(0x7f000000, 4096, PROT_READ) = -1 EACCES (x)",
        ],
        [
            "prlimit64(0, RLIMIT_AS, "
            "{rlim_cur=RLIM64_INFINITY, rlim_max=RLIM64_INFINITY}, NULL) = 0",
            f"mmap(NULL, 8192, {RW}, {ANON}) = -1 ENOMEM (x)",
        ],
        [
            'open("/etc/a", O_RDWR) = 3',
            mapped(0x7F000, 1, "7 ", "PROT_READ", "MAP_SHARED, 3, 0"),
            f"mprotect(0x7f000000, 4096, {RW}) = -1 EACCES (x)",
        ],
        [
            mapped(0x7F000, 4),
            "mbind(0x7f000000, 16384, MPOL_BIND, [0], 64, 0) = 0",
            "mremap(0x7f000000, 16384, 32768, MREMAP_MAYMOVE) = -1 EFAULT (x)",
        ],
        [
            'memfd_create("m", 0) = 3',
            "ftruncate(3, 4096) = 0",
            "fallocate(3, 0, 0, 8192) = 0",
            mapped(0x7F000),
            "madvise(0x7f000000, 4096, MADV_DONTNEED) = -1 EINVAL (x)",
        ],
        ["mprotect(0x7f000000, 4096, PROT_READ) = -1 EINVAL (x)"],
    ],
)
def test_a_difference_is_not_explained_by_what_cannot_cause_it(lines: list[str]) -> None:
    ((line, _, _),) = wrong(*lines)
    assert line == len(lines)


def test_what_must_be_refused_does_not_succeed() -> None:
    shared = mapped(0x7F000, 1, "7 ", "PROT_READ", "MAP_SHARED, 3, 0")
    assert wrong(
        'open("/etc/a", O_RDONLY) = 3', shared, f"mprotect(0x7f000000, 4096, {RW}) = 0"
    ) == [(3, "ok", "EACCES")]
    assert wrong(
        "prctl(PR_SET_MDWE, 1, 0, 0, 0) = 0",
        mapped(0x7F000),
        "mprotect(0x7f000000, 4096, PROT_EXEC) = 0",
    ) == [(3, "ok", "EACCES")]


def test_one_wrong_answer_makes_no_followers() -> None:
    lines = [mapped(0x7F000, 8), "munmap(0x7f000000, 4096) = -1 ENOMEM (x)"]
    lines += ["mprotect(0x7f000000, 32768, PROT_READ) = 0"] * 20
    assert wrong(*lines) == [(2, "ENOMEM", "ok")]


# Listed calls.


@pytest.mark.parametrize(
    "call", ["msync({}, MS_SYNC)", "madvise({}, MADV_HUGEPAGE)", "mseal({}, 0)"]
)
def test_listed_calls_say_enomem_where_something_is_not_mapped(call: str) -> None:
    there, half = call.format("0x7f000000, 4096"), call.format("0x7f000000, 8192")
    hole = [mapped(0x7F000, 2), "munmap(0x7f001000, 4096) = 0"]
    assert wrong(*hole, f"{there} = 0", f"{half} = -1 ENOMEM (x)") == []
    assert wrong(*hole, f"{there} = -1 ENOMEM (x)") == [(3, "ENOMEM", "ok")]
    assert wrong(*hole, f"{half} = 0") == [(3, "ok", "ENOMEM")]


def test_private_dev_zero_is_anonymous_memory() -> None:
    assert (
        wrong(
            'openat(AT_FDCWD, "/dev/zero", O_RDWR) = 3',
            mapped(0x7F000, 1, "7 ", RW, "MAP_PRIVATE, 3, 0"),
            "madvise(0x7f000000, 4096, MADV_FREE) = 0",
        )
        == []
    )


def test_a_process_may_have_more_memory_files_than_a_scenario() -> None:
    lines = [f'memfd_create("m{at}", 0) = {3 + at}' for at in range(9)]
    for at in range(9):
        lines += [
            f"ftruncate({3 + at}, 8192) = 0",
            mapped(0x7F000 + 16 * at, 2, "7 ", RW, f"MAP_SHARED, {3 + at}, 0"),
            f"madvise({0x7F000 + 16 * at << 12:#x}, 8192, MADV_POPULATE_WRITE) = 0",
        ]
    found = check(*lines)
    assert (found.disagreements, found.explained) == ([], [])
    assert found.agreed == 27


def test_a_memory_file_that_grew_has_its_new_pages() -> None:
    head = [
        'memfd_create("m", 0) = 3',
        "ftruncate(3, 4096) = 0",
        mapped(0x7F000, 2, "7 ", RW, "MAP_SHARED, 3, 0"),
    ]
    populate = "madvise(0x7f000000, 8192, MADV_POPULATE_WRITE)"
    assert wrong(*head, "ftruncate(3, 8192) = 0", f"{populate} = 0") == []
    assert wrong(*head, f"{populate} = 0") == [(4, "ok", "EFAULT")]


def test_the_heap_ends_where_it_ended() -> None:
    head = ["brk(NULL) = 0x10000000", "brk(0x10021000) = 0x10021000"]
    assert wrong(*head, "brk(NULL) = 0x10021000", "brk(0x10010000) = 0x10010000") == []
    assert wrong(*head, "brk(NULL) = 0x10022000") == [(3, "0x10022000", "0x10021000")]
    assert wrong(*head, "brk(0x10030000) = 0x10021000") == [(3, "0x10021000", "0x10030000")]
    blocked = f"mmap(0x10022000, 4096, {RW}, MAP_FIXED|{ANON}) = 0x10022000"
    assert reason(*head, blocked, "brk(0x10030000) = 0x10021000") == "something is mapped there"


# Where the kernel maps.


def executed(*pages: int) -> list[str]:
    """A process whose mappings lie one below the other."""
    top = 0x7F800
    lines = ['execve("/bin/x", [], NULL) = 0']
    for count in pages:
        top -= count
        lines.append(mapped(top, count))
    return lines


def test_the_kernel_takes_the_highest_gap_that_fits() -> None:
    head = executed(4, 4, 4, 4, 4, 4)
    head.append("munmap(0x7f7f4000, 8192) = 0")  # two pages free within the third
    assert wrong(*head, mapped(0x7F7F5)) == []
    assert wrong(*head, mapped(0x7F7F4)) == [(9, "0x7f7f4000", "0x7f7f5000")]
    assert wrong(*head, mapped(0x7F700)) == [(9, "0x7f700000", "0x7f7f5000")]
    assert wrong(*head, mapped(0x7F7E5, 3)) == []  # for which the gap is too small
    assert wrong(*head, mapped(0x7F7E4, 3)) == [(9, "0x7f7e4000", "0x7f7e5000")]


def test_a_space_that_goes_from_the_bottom_up_is_not_judged() -> None:
    lines = ['execve("/bin/x", [], NULL) = 0', *(mapped(0x7F000 + at) for at in range(8))]
    assert wrong(*lines) == []


def test_large_mappings_may_be_aligned_for_huge_pages() -> None:
    head = executed(4, 4, 4, 4, 4, 4)
    assert wrong(*head, mapped(0x7F7E8 - 1024, 1024)) == []
    assert wrong(*head, mapped(0x7F200, 1024)) == []
    assert wrong(*head, mapped(0x7F100, 1024)) != []


def test_a_fixed_mapping_lies_where_it_was_asked_to() -> None:
    call = f"mmap(0x7f000000, 4096, {RW}, MAP_FIXED|{ANON})"
    assert wrong(f"{call} = 0x7f000000") == []
    assert wrong(f"{call} = 0x7f001000") == [(1, "0x7f001000", "0x7f000000")]


# The sets behind it.


def test_spans_and_marks_are_what_was_added_and_not_removed() -> None:
    spans, marks, plain = Spans(), Marks(), dict[int, int]()
    steps = [
        (1, 0, 9),
        (2, 3, 5),
        (3, 5, 7),
        (0, 4, 6),
        (4, 12, 20),
        (5, 8, 13),
        (0, 0, 1),
        (6, 2, 30),
        (0, 10, 11),
        (0, 29, 30),
        (7, 1, 2),
        (0, 5, 25),
        (8, 6, 7),
        (9, 7, 8),
    ]
    for line, start, end in steps:
        for page in range(start, end):
            plain.pop(page, None)
            if line:
                plain[page] = line
        if line:
            spans.add(start, end)
            marks.set(start, end, line)
        else:
            spans.remove(start, end)
            marks.clear(start, end)
        assert [page for low, high in spans for page in range(low, high)] == sorted(plain)
        for low in range(31):
            assert marks.first(low, low + 1) == plain.get(low, 0)
            assert spans.meets(low, low + 2) == (low in plain or low + 1 in plain)
            holes = [page for a, b in spans.without(low, 31) for page in range(a, b)]
            assert holes == [page for page in range(low, 31) if page not in plain]
