# SPDX-License-Identifier: MIT
"""What syzkaller's executor does with a program: the data area, stores, threads, results."""

from pathlib import Path

import pytest

from corpus import text
from corpus.recording.follow import follow
from corpus.recording.report import NOT_MEMORY
from corpus.recording.steps import Step
from corpus.syz.execute import CHOSEN, CLOSED, DRIVER, NOT_A_FILE, execute
from corpus.syz.parse import parse
from corpus.syz.program import DATA_BASE, DATA_PAGE, OLD_BASE
from corpus.syz.report import import_program, import_programs
from simulator import ops
from tests.unit.recorded import Recorded, translate

FIXED = 0x32  # MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
AREA = "&(0x7f0000000000/0x4000)=nil"
UNMAP = f"munmap({AREA}, 0x1000)"


def translated(program: str) -> Recorded:
    executed = execute(parse(program))
    return translate(follow(executed.log), {0: executed.before})


def steps_of(program: str) -> list[Step]:
    return translated(program).steps


def last(program: str) -> tuple[str, tuple[int, ...]]:
    """The last op by name, with pages from the start of the data area."""
    step = steps_of(program)[-1]
    spec = ops.BY_NUMBER[step.code]
    shifts: list[int] = []
    for arg in spec.args:
        shift = {
            ops.RANGE: [DATA_PAGE] * 2,
            ops.DEST: [DATA_PAGE] * 2,
            ops.PAGE: [DATA_PAGE],
            ops.WORD: [DATA_PAGE * 4],
        }
        shifts += shift.get(arg.kind, [0] * ops.SLOTS[arg.kind])
    return spec.name, tuple(a - b for a, b in zip(step.args, shifts, strict=True))


def reasons(program: str) -> list[tuple[str, str]]:
    return [(name, reason) for _, name, reason in translated(program).listed]


def test_the_scenario_maps_the_part_of_the_data_area_that_it_uses(tmp_path: Path) -> None:
    file = tmp_path / "Area.txt"
    file.write_text("madvise(&(0x7f0000001000/0x2000)=nil, 0x2000, 0x4)\n")
    (scenario,) = import_program(file).scenarios
    assert text.dump(scenario) == (
        "# mmfarm scenario 1\n# title: area, lines 1 to 1\n# expect: clean\n"
        "# origin: syz:area\nconfig pmd_order=3 frames=64\n"
        "1 T0 mmap 8..24 rwx private anon\n2 T0 madvise 9..11 DONTNEED\n"
    )


def test_a_guard_page_stands_beside_the_data_area_where_a_call_borders_on_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "edge.txt"
    file.write_text("munmap(&(0x7f0000ffe000/0x2000)=nil, 0x2000)\n")
    (scenario,) = import_program(file).scenarios
    assert [text.print_op(op) for op in scenario.ops] == [
        "1 T0 mmap 8..24 rwx private anon",
        "2 T0 mmap 24..25 none private anon",
        "3 T0 munmap 22..24",
    ]


@pytest.mark.parametrize(
    ("call", "op", "args"),
    [
        (
            f"mmap({AREA}, 0x3fff, 0x3, {FIXED:#x}, 0xffffffffffffffff, 0x0)",
            "mmap",
            (0, 4, 3, 0, -1, 0, 0),
        ),
        # Bits that the kernel does not look at, and MAP_FIXED, which syzkaller sets.
        (
            f"mmap({AREA}, 0x4000, 0xb635773f06ebbeed, 0x2000004008021, 0xffffffffffffffff, 0x0)",
            "mmap",
            (0, 4, 5, 1, -1, 0, ops.MMAP_POPULATE),
        ),
        (f"mprotect({AREA}, 0x1000, 0xa)", "mprotect", (0, 1, 2)),
        (f"madvise({AREA}, 0x600, 0x100000004)", "madvise", (0, 1, ops.MADV_DONTNEED)),
        ("madvise$auto(0x20001000, 0x1000, 0x8)", "madvise", (1, 2, ops.MADV_FREE)),
        (
            f"mremap({AREA}, 0x1000, 0x2000, 0x3, &(0x7f0000008000/0x2000)=nil)",
            "mremap",
            (0, 1, 8, 10, 0),
        ),
        (
            f"mremap({AREA}, 0x1000, 0x1000, 0x7, &(0x7f0000008000/0x2000)=nil)",
            "mremap",
            (0, 1, 8, 9, 1),
        ),
        (f"mremap({AREA}, 0x4000, 0x1000, 0x1, 0x0)", "mremap", (0, 4, 0, 1, 0)),
        (
            f"r0 = mmap({AREA}, 0x4000, 0x3, 0x32, 0xffffffffffffffff, 0x0)\nmunmap(r0, 0x1000)",
            "munmap",
            (0, 1),
        ),
    ],
)
def test_numbers_decide(call: str, op: str, args: tuple[int, ...]) -> None:
    assert last(call) == (op, args)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (f"mmap({AREA}, 0x4000, 0x3, 0x12, 0xffffffffffffffff, 0x0)", CLOSED),
        (f"r0 = perf_event_open(0x0)\nmmap({AREA}, 0x4000, 0x3, 0x11, r0, 0x0)", DRIVER),
        (f"r0 = openat$kvm(0x0, 0x0)\nmmap({AREA}, 0x4000, 0x3, 0x11, r0, 0x0)", DRIVER),
        (f"mmap({AREA}, 0x4000, 0x3, 0x33, 0xffffffffffffffff, 0x0)", NOT_A_FILE),
        (
            f"mmap({AREA}, 0x4000, 0x3, 0x30, 0xffffffffffffffff, 0x0)",
            "neither MAP_PRIVATE nor MAP_SHARED",
        ),
        (
            f"mmap({AREA}, 0x4000, 0x3, 0x40032, 0xffffffffffffffff, 0x0)",
            "flags that the model has not: MAP_HUGETLB",
        ),
        (f"mremap({AREA}, 0x1000, 0x2000, 0x1, 0x0)", CHOSEN),
        (f"mprotect({AREA}, 0x1000, 0x40)", "protection bits that the model has not: 0x40"),
        (f"madvise({AREA}, 0x1000, 0xc)", "the model has no advice MADV_MERGEABLE yet"),
        (
            "madvise(&(0x7f0000000080), 0x1000, 0x4)",
            "the address is not page-aligned: scenarios have page numbers",
        ),
        (
            "munmap(0xffffffffffffffff, 0x1000)",
            "the address is not page-aligned: scenarios have page numbers",
        ),
        ("munmap(0xfffffffffffff000, 0x1000)", "the range lies beyond the address space"),
        (
            "r0 = userfaultfd(0x1)\nioctl$UFFDIO_COPY(r0, 0xc028aa05, 0x0)",
            "UFFDIO_MOVE: the model has no op for it yet",
        ),
        ("ioctl$UFFDIO_API(0xffffffffffffffff, 0xc018aa3f, 0x0)", CLOSED),
        ("mlock()", "the model has no op for it yet"),
        (
            "process_madvise(0xffffffffffffffff, &(0x7f0000000000)=[{&(0x7f0000001000), 0x1000}], "
            "0x1, 0x4, 0x0)",
            "advises another process",
        ),
    ],
)
def test_what_is_not_taken_has_a_reason(call: str, reason: str) -> None:
    assert reasons(call)[-1][1] == reason


def test_what_cannot_succeed_changes_no_mapping(tmp_path: Path) -> None:
    far = "&(0x7f0000800000/0x1000)=nil"
    file = tmp_path / "fails.txt"
    file.write_text(
        f"mmap({AREA}, 0x4000, 0x0, 0x100032, 0xffffffffffffffff, 0x0)\n"
        f"munmap({far}, 0x1000)\n"
        f"mremap({far}, 0x1000, 0x1000, 0x3, {AREA})\n" + f"{UNMAP}\n" * 61
    )
    second = import_program(file).scenarios[1]
    assert "rwx private anon" in text.print_op(second.ops[1])  # the page before is the guard


def test_data_is_stored_before_the_call_by_the_main_thread() -> None:
    steps = steps_of(
        'f(&(0x7f0000001400)={0x1, &(0x7f0000002bff)="0102"}, &(0x7f0000003000)=""/9, '
        "&(0x7f0000003000), &(0x7f0000003000)={<r1=>0x0}) (async)\n"
        f"munmap({AREA}, 0x1000) (async)"
    )
    assert [(step.code, step.args[0] - DATA_PAGE * 4, step.thread) for step in steps[:-1]] == [
        (ops.OP_WRITE, 5, 0),
        (ops.OP_WRITE, 10, 0),
        (ops.OP_WRITE, 11, 0),
    ]
    assert (steps[-1].code, steps[-1].thread) == (ops.OP_MUNMAP, 2)


def test_much_data_is_cut_and_that_is_noted() -> None:
    executed = execute(parse('f(&(0x7f0000000000)="01"/65536)'))
    assert len(list(executed.log.events)) == 9
    assert executed.notes == {"data: stores of 8 words of a call stand for more": 1}


@pytest.mark.parametrize(
    ("header", "threads"),
    [
        ("", [0, 1, 2, 0]),
        ('#{"threaded":true}', [0, 1, 2, 0]),
        ('#{"procs":1}', [0, 0, 0, 0]),
        ('#{"threaded":true,"collide":true}', [0, 1, 2, 0, 0, 3, 4, 5]),
        ('#{"threaded":true,"collide":true,"fault":true}', [0, 1, 2, 0]),
    ],
)
def test_calls_that_nobody_waits_for_run_in_threads(header: str, threads: list[int]) -> None:
    program = "\n".join((header, UNMAP, f"{UNMAP} (async)", f"{UNMAP} (async)", UNMAP))
    log = translated(program)
    assert [step.thread for step in log.steps] == threads
    assert log.translation.taken == {"munmap": 4}


@pytest.mark.parametrize(
    ("comment", "thread"),
    [("", 1), ("# T5", 5), ("# T", 1), ("# T12", 1), ("# T0", 1), ("# why", 1)],
)
def test_a_comment_may_name_the_thread(comment: str, thread: int) -> None:
    (step,) = steps_of(f"{UNMAP} (async) {comment}")
    assert step.thread == thread


def test_a_call_may_give_several_results() -> None:
    program = "r0 = memfd_create(&(0x7f0000000000)={<r1=>0x0}, 0x0)\nftruncate(r0, 0x1000)\n"
    assert steps_of(program)[-1].code == ops.OP_MEMFD


def test_threads_are_actors_and_eight_of_them_fill_a_scenario(tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("\n".join(f"{UNMAP} (async)" for _ in range(10)))
    (scenario,) = import_program(file).scenarios
    assert [op.actor for op in scenario.ops] == [0, 0, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3]


def test_rerun_repeats_a_call_that_is_counted_once() -> None:
    log = translated(f"{UNMAP} (rerun: 2)")
    assert len(log.steps) == 3
    assert log.translation.calls == log.translation.taken == {"munmap": 1}


def test_a_memory_file_is_followed_through_its_result_and_copies() -> None:
    program = (
        "r0 = memfd_create(&(0x7f0000002000)='m\\x00', 0x0)\nftruncate(r0, 0x3000)\n"
        "r1 = dup2(r0, 0x9)\n"
        "mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x3, 0x11, r1, 0x1000)\n"
        'pwrite64(r1, &(0x7f0000002000)="61", 0x1, 0x2400)\n'
        "pread64(r0, &(0x7f0000001000), 0x1, 0x0)\n"
    )
    steps = [(step.code, step.args) for step in steps_of(program)]
    words = DATA_PAGE * 4
    assert steps == [
        (ops.OP_WRITE, (words + 8,)),
        (ops.OP_MEMFD, (0, 3)),
        (ops.OP_MMAP, (DATA_PAGE, DATA_PAGE + 1, 3, 1, 0, 1, 0)),
        (ops.OP_WRITE, (words + 8,)),
        (ops.OP_READ, (words + 8,)),
        (ops.OP_PWRITE, (1, 2)),
        (ops.OP_WRITE, (words + 4,)),
        (ops.OP_PREAD, (0, 0)),
    ]


def test_words_of_a_memory_file_keep_their_place_when_addresses_become_small(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file.txt"
    file.write_text(
        "r0 = memfd_create(0x0, 0x0)\nftruncate(r0, 0x3000)\npread64(r0, 0x0, 0x1, 0x2400)\n"
    )
    (scenario,) = import_program(file).scenarios
    assert [text.print_op(op) for op in scenario.ops] == [
        "1 T0 memfd f0 3",
        "2 T0 write 8",
        "3 T0 pread f0.1 2",
    ]


def test_files_of_proc_are_about_memory() -> None:
    words, page = DATA_PAGE * 4, 0x7F0000001000
    steps = steps_of(
        f"r0 = syz_open_procfs(0x0, &({page:#x})='clear_refs\\x00')\nwrite(r0, &({page:#x})='4', 1)"
        f"\nr1 = syz_open_procfs$pagemap(0x0, 0x0)\n"
        f"pread64(r1, 0x0, 0x10, {(OLD_BASE >> 12) * 8:#x})\n"
        f"r2 = openat(0xffffffffffffff9c, &({page:#x})='/proc/self/mem\\x00', 0x2, 0x0)\n"
        f"pwrite64(r2, 0x0, 0x1, {DATA_BASE + 0x1C00:#x})\n"
    )
    found = [(step.code, step.args) for step in steps if step.code != ops.OP_WRITE]
    assert found == [
        (ops.OP_CLEAR_REFS, (1,)),
        (ops.OP_PAGEMAP, (DATA_PAGE,)),
        (ops.OP_PAGEMAP, (DATA_PAGE + 1,)),
        (ops.OP_MEM_WRITE, (words + 7,)),
    ]


def test_children_share_nothing_but_vfork_and_threads_do() -> None:
    log = translated(
        "syz_clone(0x100, 0x0)\nfork()\nclone(0x1fe)\n"
        "clone3(&(0x7f0000000000)={0x100})\nsyz_clone3(&(0x7f0000000000)={0x100})\n"
        "vfork()\n"
    )
    found = [(step.code, step.space) for step in log.steps if step.code != ops.OP_WRITE]
    assert found == [(ops.OP_FORK, 0)] * 3 + [(ops.OP_EXIT, 1), (ops.OP_EXIT, 3)]
    assert log.translation.taken == {"clone": 1, "fork": 1, "clone3": 1}


def test_every_call_is_taken_or_listed(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"socket(0x1)\n{UNMAP} (fail_nth: 3)\nmlock({AREA}, 0x1000)\n")
    report = import_program(file)
    assert sum(report.mm_calls.values()) == 3
    assert report.taken == {"munmap": 1}
    assert [(listing.name, listing.reason) for listing in report.listed] == [
        ("mlock", "the model has no op for it yet"),
        ("socket", NOT_MEMORY),
    ]
    assert report.notes == {"fail_nth: the call is taken without its failure": 1}


def test_a_folder_adds_up_and_names_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{UNMAP}\nsocket(\n")
    (tmp_path / "b.txt").write_text(f"{UNMAP}\nsocket()\n")
    (tmp_path / "c.txt").write_text("readme\n")
    programs = import_programs(tmp_path)
    data = programs.to_json()
    assert (data["calls"], data["taken"], data["listed"], data["scenarios"]) == (3, 2, 1, 2)
    assert programs.lines()[0] == "2 programs: 3 calls: 2 taken, 1 listed; 2 scenarios"
    refused, odd = programs.problems
    assert "c.txt:1: no line of this is a call" in refused
    assert odd == "a.txt:2: column 8: no value: the line ends"


def test_vmsplice_names_a_page_and_a_pipe_that_is_empty() -> None:
    steps = steps_of(
        "pipe(&(0x7f0000000000)={<r0=>0x0, <r1=>0x0})\n"
        "vmsplice(r1, &(0x7f0000002000)=[{&(0x7f0000005000), 0x1000}], 0x1, 0x0)\n"
    )
    assert [(step.code, step.args) for step in steps[-2:]] == [
        (ops.OP_UNPIN, (0,)),
        (ops.OP_VMSPLICE, (0, DATA_PAGE + 5)),
    ]
