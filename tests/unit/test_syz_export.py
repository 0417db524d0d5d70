# SPDX-License-Identifier: MIT
"""Scenarios as syzkaller programs: they parse back to the same ops, and say what they leave out."""

from pathlib import Path

import pytest

from corpus import text
from corpus.files import PACKAGE, mm_files
from corpus.recording.follow import follow
from corpus.recording.layout import ANON
from corpus.recording.steps import OF_UFFD
from corpus.syz.execute import execute
from corpus.syz.export import ARENA_PAGES, UNSAYABLE, export
from corpus.syz.parse import parse
from corpus.syz.program import DATA_PAGE
from fuzz.generate import generate
from fuzz.rng import Rng
from simulator import ops
from simulator.scenario import Config, Op, Scenario
from tests.unit.recorded import translate

# Exceptions: syzkaller says them, but the importer does not follow pages through pipes; a mapping
# that is shared and droppable is of no type, which mmap() refuses; and to the importer a memory
# file keeps the size it was made with, so it lists what is read and written behind. Importers list
# the calls that lock memory, too (corpus/recording/causes.py).
LISTED = (
    ops.OP_VMSPLICE,
    ops.OP_PIPE_READ,
    ops.OP_UNPIN,
    ops.OP_MLOCK,
    ops.OP_MUNLOCK,
    ops.OP_MLOCK2,
    ops.OP_MLOCKALL,
    ops.OP_MUNLOCKALL,
)
FILE_SLOT = {ops.OP_MMAP: 4, ops.OP_MEMFD: 0, ops.OP_FALLOCATE: 0}
FILE_WORDS = (ops.OP_PREAD, ops.OP_PWRITE, ops.OP_FTRUNCATE)
# Ops whose files are compared by identity: which file it is counts, not its number.
Plain = tuple[int, int, tuple[object, ...]]  # thread, op, arguments


def plain(thread: int, code: int, args: tuple[int, ...], base: int, file: object) -> Plain:
    """An op with pages from `base` and `file` for its file; forks without the child's name."""
    if code == ops.OP_FORK:
        return thread, code, ()
    out: list[object] = []
    at = 0
    for arg in ops.BY_NUMBER[code].args:
        slots = list(args[at : at + ops.SLOTS[arg.kind]])
        of_file = code in (*FILE_WORDS, ops.OP_FALLOCATE)
        if arg.kind in (ops.RANGE, ops.DEST) or arg.kind == ops.PAGE and not of_file:
            slots = [slot - base for slot in slots]
        elif arg.kind == ops.WORD:
            slots = [slots[0] - base * 4]
        out += slots
        at += ops.SLOTS[arg.kind]
    if code in FILE_SLOT:
        out[FILE_SLOT[code]] = file
    elif code in OF_UFFD:
        out[0] = file
    elif code in FILE_WORDS:
        out[0] = (file, args[0] % 4)
    return thread, code, tuple(out)


def sayable(scenario: Scenario) -> list[Plain]:
    """The ops of a scenario that a program can say, and an import can read."""
    children = {op.args[0] for op in scenario.ops if op.code == ops.OP_FORK}
    seen: dict[object, int] = {}
    made: dict[int, int] = {}  # memory file -> how often it was made
    sizes: dict[int, int] = {}  # and how large it is, in words
    written: dict[int, int] = {}  # or was made by stores into it
    found: list[Plain] = []
    uffds: dict[int, object] = {}  # userfaultfds that are open
    inherited: set[object] = set()  # those that children have, too, which keeps them open
    others: set[int] = set()  # memory files of children, which the program does not have
    for op in scenario.ops:
        if op.code == ops.OP_MEMFD and op.actor in children:
            others.add(op.args[0] + 1)
        if op.actor in children or op.actor > 7 or op.code in (*UNSAYABLE, *LISTED):
            continue
        if op.code == ops.OP_MMAP and op.args[3] and op.args[6] & ops.MMAP_DROPPABLE:
            continue
        handle: int | None = None
        if op.code in OF_UFFD:
            opened = uffds.get(op.args[0])
            if (op.code == ops.OP_USERFAULTFD) == (opened is not None):
                continue  # it fails, or there is none
            if op.code == ops.OP_USERFAULTFD:
                opened = uffds[op.args[0]] = ("u", len(found))
            if op.code == ops.OP_UFFD_CLOSE:
                del uffds[op.args[0]]
                if opened in inherited:
                    continue
            who = 0 if op.code == ops.OP_USERFAULTFD else op.actor  # which is waited for
            new = seen.setdefault(opened, len(seen))
            found.append(plain(who, op.code, op.args, 0, new))
            continue
        if op.code == ops.OP_FORK:
            inherited |= set(uffds.values())
        if op.code == ops.OP_MMAP and op.args[4]:
            handle = op.args[4]
        elif op.code == ops.OP_MEMFD:
            handle = op.args[0] + 1
            made[handle] = made.get(handle, 0) + 1
            sizes[handle] = op.args[1] * 4
        elif op.code in (ops.OP_FTRUNCATE, ops.OP_FALLOCATE):
            handle = op.args[0] // (4 if op.code == ops.OP_FTRUNCATE else 1) + 1
            before = sizes.get(handle)
            size = op.args[1] * 4 + op.args[0] % 4
            if op.code == ops.OP_FALLOCATE:
                end = (op.args[1] + op.args[2]) * 4
                size = max(before or 0, end if op.args[3] == ops.FALLOC_ALLOCATE else 0)
            if before is None and size == 0:
                continue  # empty, which the model has no memory file for
            sizes[handle] = size
            if before is None:  # an import makes a memory file when it gets a size
                new = seen.setdefault((handle, made.get(handle)), len(seen))
                found.append(plain(op.actor, ops.OP_MEMFD, (0, -(-size // 4)), 0, new))
                if op.code == ops.OP_FTRUNCATE and size % 4 == 0:
                    continue
        elif op.code in (ops.OP_PREAD, ops.OP_PWRITE):
            handle = op.args[0] // 4 + 1
            if handle in others and handle not in made:
                continue
            word = op.args[1] * 4 + op.args[0] % 4
            if word >= sizes.get(handle, ops.MAX_FILE_PAGES * 4):
                continue
            if handle not in sizes:  # whoever made it does not come back: it is empty
                if op.code == ops.OP_PREAD and op.args[1] >= written.get(handle, 0):
                    continue
                if op.code == ops.OP_PWRITE:
                    written[handle] = max(written.get(handle, 0), op.args[1] + 1)
        file = None if handle is None else seen.setdefault((handle, made.get(handle)), len(seen))
        args = op.args
        if op.code == ops.OP_MMAP:  # an import does without MAP_LOCKED, as without those calls
            args = (*args[:6], args[6] & ~ops.MMAP_LOCKED)
        found.append(plain(op.actor, op.code, args, 0, file))
    return found


def read_back(program: str) -> list[Plain]:
    """What an import takes from a program, without its own call and its own pages."""
    parsed = parse(program)
    assert parsed.odd_lines == []
    executed = execute(parsed)
    recorded = translate(follow(executed.log), {0: executed.before})
    assert set(recorded.translation.others) <= {"openat", "close", "pipe2", "read"}
    seen: dict[object, int] = {}
    found: list[Plain] = []
    for step in recorded.steps[1:]:
        behind = step.args and step.args[0] // 4 >= DATA_PAGE + ARENA_PAGES
        if step.code in LISTED or step.space:
            continue
        if step.code in (ops.OP_READ, ops.OP_WRITE) and behind:
            continue
        which = step.uffd if step.file == ANON else step.file
        file = None if which == ANON else seen.setdefault(which, len(seen))
        found.append(plain(step.thread, step.code, step.args, DATA_PAGE, file))
    return found


@pytest.mark.parametrize("file", mm_files([PACKAGE]), ids=lambda file: file.stem)
def test_every_scenario_of_the_corpus_comes_back(file: Path) -> None:
    scenario = text.load(file)
    assert read_back(export(scenario)) == sayable(scenario)


def test_generated_scenarios_come_back() -> None:
    for seed in range(300):
        scenario = generate(Rng(seed), 24)
        assert read_back(export(scenario)) == sayable(scenario), text.dump(scenario)


def test_ops_that_no_call_says_and_the_schedule_stand_in_comments() -> None:
    scenario = text.parse(
        "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
        "1 T0 mmap 0..8 rw private anon\n2 T0 fork T1\n3 T1 write 3\n4 T0 pin p0 3 r\n"
        "5 T0 sleep\n6 DEVICE device_read 3\n7 T2 exit\n8 T2 read 3.1\n"
        "@3 do_user_addr_fault:begin#1 -> T0\n"
    )
    assert export(scenario).splitlines()[2:] == [
        "# nothing is mapped when a scenario begins",
        "munmap(&(0x7f0000000000/0x40000)=nil, 0x40000)",
        "mmap(&(0x7f0000000000/0x8000)=nil, 0x8000, 0x3, 0x32, 0xffffffffffffffff, 0x0)",
        "syz_clone(0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
        "# not said here: 3 T1 write 3: children of syz_clone() only sleep and exit",
        "# not said here: 4 T0 pin p0 3 r: /sys/kernel/debug/gup_test is not in its descriptions",
        "# not said here: 5 T0 sleep: no call makes a CPU idle and nothing else",
        "# not said here: 6 DEVICE device_read 3: an actor of the kernel",
        "# not said here: 7 T2 exit: a program cannot end its threads",
        r"r0 = memfd_create(&(0x7f0000fff000)='sink\x00', 0x0)",
        "pwrite64(r0, &(0x7f0000003400), 0x1, 0x0) (async) # T2",
        "# not said here: @3 do_user_addr_fault:begin#1 -> T0",
    ]


def test_every_op_of_the_table_is_said_or_has_a_reason() -> None:
    examples = {op.code: op for seed in range(400) for op in generate(Rng(seed), 64).ops}
    assert set(examples) == set(ops.BY_NUMBER)
    for op in examples.values():
        lines = export(Scenario(ops=(op,))).splitlines()[4:]
        assert lines
        said = not all(line.startswith("#") for line in lines)
        assert said == (op.actor < 8 and op.code not in UNSAYABLE)


def test_pages_behind_the_data_area_are_named() -> None:
    op = Op(1, 0, ops.OP_MUNMAP, (0, ARENA_PAGES + 1))
    program = export(Scenario(Config(pages=8192), (op,)))
    assert program.splitlines()[-1] == (
        "# not said here: 1 T0 munmap 0..4095: beyond the 4096 pages of the data area"
    )
