# SPDX-License-Identifier: MIT
"""The text of perf trace: calls as strace would print them, and faults as loads and stores."""

from pathlib import Path

import pytest

from corpus.perf.parse import MAX_LOG_BYTES, load, parse
from corpus.recording.arguments import NO_FILE_PAGES
from corpus.recording.events import Call, Event, Exit, Fault, RecordingError
from corpus.recording.follow import follow
from corpus.recording.layout import ANON, Region
from corpus.recording.translate import SEGMENT_STEPS
from simulator import ops
from simulator.outcome import Outcome
from simulator.run import Machine
from simulator.scenario import Scenario
from simulator.validate import validate
from tests.unit.recorded import Recorded, check, translate

CLONE = "clone(clone_flags: CHILD_SETTID|0x11, child_tidptr: 0x7f00)"


def line(rest: str, time: float = 1, pid: int = 1) -> str:
    return f"{time:10.3f} ( 0.001 ms): prog/{pid} {rest}\n"


def mapped(
    start: int = 0x10000, size: int = 8192, prot: str = "READ|WRITE", time: float = 1
) -> str:
    return line(
        f"mmap(addr: {start:#x}, len: {size}, prot: {prot}, flags: PRIVATE|FIXED|"
        f"ANONYMOUS) = {start:#x}",
        time,
    )


def fault(
    address: int = 0x10008,
    time: float = 1,
    pid: int = 1,
    where: str = "//anon@",
    function: str = "main+0x2d",
    how: str = "d.",
    kind: str = "min",
) -> str:
    return line(f"{kind}fault [{function}] => {where}{address:#x} ({how})", time, pid)


def only(text: str) -> Event:
    log = parse(text)
    assert log.odd_lines == []
    (event,) = log.events
    return event


def translated(text: str) -> Recorded:
    log = parse(text)
    assert log.odd_lines == []
    return translate(follow(log))


def touches(text: str) -> list[str]:
    """The loads and stores, by name."""
    return [
        ops.BY_NUMBER[step.code].name
        for step in translated(text).steps
        if step.code in (ops.OP_READ, ops.OP_WRITE)
    ]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (
            "mmap(len: 8192, prot: READ|WRITE, flags: PRIVATE|ANONYMOUS)",
            "0, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0",
        ),
        (
            "mmap(addr: 0x7000, len: 1, prot: READ|EXEC, flags: PRIVATE|0x400000, "
            "fd: 4</lib/a.so>, off: 0x26000)",
            "0x7000, 1, PROT_READ|PROT_EXEC, MAP_PRIVATE|0x400000, 4</lib/a.so>, 0x26000",
        ),
        (
            "mremap(addr: 0x1000, old_len: 1, new_len: 2, flags: MAYMOVE|FIXED, new_addr: 0x8000)",
            "0x1000, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x8000",
        ),
        ("madvise(start: 0x1000, len_in: 4096, behavior: DONTNEED)", "0x1000, 4096, MADV_DONTNEED"),
        (
            'openat(dfd: CWD, filename: "/a, b", flags: RDONLY|CLOEXEC)',
            'CWD, "/a, b", O_RDONLY|O_CLOEXEC, 0',
        ),
        ("madvise(start: 0x1000, len_in: 4096, behavior: MADV_COLD)", "0x1000, 4096, MADV_COLD"),
        (CLONE, "flags=CLONE_CHILD_SETTID|0x11, child_tidptr=0x7f00"),
        ("getpid()", ""),
    ],
)
def test_arguments_get_their_places_and_prefixes_back(call: str, arguments: str) -> None:
    event = only(line(f"{call}   = 0"))
    assert isinstance(event, Call)
    assert event.arguments == arguments


@pytest.mark.parametrize(
    ("thread", "pid"), [("prog/12 ", 12), (":12/12 ", 12), ("a b/c/12 ", 12), ("12 ", 12), ("", 0)]
)
def test_threads_are_named_or_not(thread: str, pid: int) -> None:
    event = only(f'1.000 ( 0.001 ms): {thread}openat(dfd: CWD, filename: "/a/3 b") = 3\n')
    assert event.pid == pid


@pytest.mark.parametrize(
    ("result", "value", "errno"),
    [
        ("0x7f00", "0x7f00", ""),
        ("17640 (prog)", "17640", ""),
        ("?", "?", ""),
        ("-1 ENOMEM (Cannot allocate memory)", "-1", "ENOMEM"),
    ],
)
def test_results(result: str, value: str, errno: str) -> None:
    event = only(line(f"munmap(addr: 0x1000, len: 4096)      = {result}"))
    assert isinstance(event, Call)
    assert (event.result, event.errno) == (value, errno)


def test_a_call_that_others_interrupt_is_joined_and_stands_where_it_began() -> None:
    log = parse(
        line("read(fd: 3, buf: 0x1000, count: 1)   ...", 1)
        + line("getpid() = 2", 2, 2)
        + line("... [continued]: read()) = 1", 3)
    )
    assert [(event.line, event.pid) for event in log.events] == [(1, 1), (2, 2)]
    assert str(next(iter(log.events))) == "read(3, 0x1000, 1) = 1"


def test_a_child_that_faults_before_its_parent_returns_is_born_before_that() -> None:
    text = (
        mapped()
        + fault(time=3, pid=2)
        + "         ? (         ): prog/2  ... [continued]: clone())   = \n"
        + line(f"{CLONE} = 2 (prog)", 2)
        + line("exit_group()   = ?", 4, 2)
    )
    log = parse(text)
    assert log.odd_lines == []
    assert [type(event) for event in log.events] == [Call, Call, Fault, Exit]
    assert [(step.code, step.space) for step in translated(text).steps] == [
        (ops.OP_MMAP, 0),
        (ops.OP_FORK, 0),
        (ops.OP_WRITE, 1),
        (ops.OP_EXIT, 1),
    ]


def test_a_fault_on_writable_memory_is_a_store() -> None:
    (step,) = [step for step in translated(mapped() + fault(0x10C08)).steps if step.code == 2]
    assert step.args == (0x10 * 4 + 3,)
    assert step.call == "minfault at //anon@0x10c08"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (mapped(prot="READ") + fault(), ["read"]),
        (mapped() + fault() + fault(), ["read", "write"]),
        (mapped() + fault() + fault() + fault(), ["read", "write", "write"]),
        (mapped() + fault() + fault(0x11000), ["write", "write"]),
        (
            mapped() + fault() + line("munmap(addr: 0x11000, len: 4096) = 0") + fault(),
            ["read", "write"],
        ),
        (mapped() + fault() + mapped() + fault(), ["write", "write"]),
        (
            mapped()
            + fault()
            + line("madvise(start: 0x10000, len_in: 1, behavior: DONTNEED) = 0")
            + fault(),
            ["write", "write"],
        ),
        (
            mapped()
            + fault()
            + line("mprotect(start: 0x10000, len: 1, prot: READ) = 0")
            + line("mprotect(start: 0x10000, len: 1, prot: READ|WRITE) = 0")
            + fault(),
            ["write", "write"],
        ),
        (
            mapped() + fault() + line(f"{CLONE} = 2") + fault() + fault(pid=2),
            ["write", "write", "write"],
        ),
        (mapped() + fault(function="__get_user_1+0x14", how="?k"), ["read"]),
        (mapped() + fault(function="__put_user_8+0xd", how="?k") + fault(), ["write", "write"]),
        (mapped() + fault(function="0x10008", where="", how="?."), ["read"]),
    ],
)
def test_what_a_fault_was_as_far_as_the_text_tells(text: str, expected: list[str]) -> None:
    assert touches(text) == expected


MEMFD = (
    line("memfd_create(uname: 0x1) = 3")
    + line("ftruncate(fd: 3, length: 8192) = 0")
    + line("mmap(len: 8192, prot: READ|WRITE, flags: SHARED, fd: 3) = 0x20000")
)


def test_a_fault_in_a_memory_file_is_where_the_file_is_mapped() -> None:
    where = "/memfd:x (deleted)@"
    log = translated(MEMFD + fault(0x1400, where=where))
    assert log.steps[-1].args == (0x21 * 4 + 1,)
    log = translated(MEMFD + MEMFD.replace("0x20000", "0x30000") + fault(0x1400, where=where))
    assert [listed[2] for listed in log.listed] == ["2 mapped memory files have that page"]


def test_what_perf_starts_has_memory_of_its_own() -> None:
    began = "   ? (      ): prog/1  ... [continued]: execve())  = 0\n"
    log = translated(mapped() + began + mapped())
    assert [step.space for step in log.steps] == [0, 0, 1]


def test_clone3_makes_threads() -> None:
    log = translated(mapped() + line("clone3(uargs: 0x1, size: 88) = 2") + fault(pid=2))
    assert [step.space for step in log.steps] == [0, 0]
    ((_, name, reason),) = log.listed
    assert (name, reason.partition(" with")[0]) == ("clone3", "shares its address space")


def test_advice_without_a_name_is_listed() -> None:
    log = translated(mapped() + line("madvise(start: 0x10000, len_in: 4096, behavior: )  = 0"))
    assert [listed[2] for listed in log.listed] == ["the log does not name the advice"]


def test_a_fault_proves_that_memory_was_there_before() -> None:
    log = translated(fault(0x7FFC0, where="[stack]@"))
    assert log.segments[0].before[0].regions == [Region(0x7F, 0x80, 3, False, ANON, 0)]
    assert log.translation.taken == {"minfault": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (fault(0x40, where="/lib/a.so@", kind="maj"), NO_FILE_PAGES),
        (line("minfault [main+0x1] => ./prog@environ+0x0 (d.)"), NO_FILE_PAGES),
        (fault(where="", how="?k"), "what is mapped there is not in the log"),
        (
            mapped() + line("munmap(addr: 0x10000, len: 8192) = 0") + fault(),
            "nothing is mapped there according to the log",
        ),
    ],
)
def test_a_fault_that_is_not_taken_has_a_reason(text: str, reason: str) -> None:
    log = translated(text)
    assert [listed[2] for listed in log.listed] == [reason]
    assert sum(log.translation.calls.values()) == sum(log.translation.taken.values()) + 1


def test_faults_are_compared_with_the_model() -> None:
    checked = check(translated(mapped() + fault() + fault(0x11000)), Machine())
    assert (checked.compared, checked.agreed, checked.touches_compared) == (3, 3, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("LOST 12 events!", "perf lost events here"),
        ("0x1234 PERF_RECORD", "does not begin as lines of perf trace"),
        (line("munmap(addr: 0x1000"), "neither a call nor a page fault, or cut off"),
        (line("minfault [main] => nowhere (d.)"), "at an address that is no number: nowhere"),
        (line("... [continued]: read()) = 1"), "did not begin in this log"),
        (
            line("read(fd: 3)  ...")
            + line("... [continued]: write()) = 1")
            + line("... [continued]: read()) = 1"),
            "goes on with write, but read is what did not return",
        ),
    ],
)
def test_lines_that_are_none_are_kept_with_a_reason(text: str, reason: str) -> None:
    log = parse(mapped() + text)
    ((_, message),) = log.odd_lines
    assert reason in message


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="<log>:1: no line of this"):
        parse("hello\n")
    path = tmp_path / "log"
    with path.open("wb") as sparse:
        sparse.truncate(MAX_LOG_BYTES + 1)
    with pytest.raises(RecordingError, match="too large"):
        load(path)


class Fitting:
    """A machine that knows its limits: what it would run, and how many ops at most."""

    def __init__(self) -> None:
        self.most = 0

    def run(self, scenario: Scenario) -> Outcome:
        validate(scenario)
        self.most = max(self.most, len(scenario.ops))
        results = [op.args[0] if op.code == ops.OP_MMAP else 0 for op in scenario.ops]
        return Outcome(None, "0" * 16, 0, results)


def test_a_program_may_touch_more_pages_than_a_scenario() -> None:
    pages = 20_000  # of which each has a token in the model
    text = mapped(size=pages * 4096) + "".join(
        fault(0x10000 + at * 4096, 2 + at) for at in range(pages)
    )
    machine = Fitting()
    found = check(translated(text), machine)
    assert (found.agreed, found.disagreements) == (pages + 1, [])
    assert machine.most <= SEGMENT_STEPS + 1
