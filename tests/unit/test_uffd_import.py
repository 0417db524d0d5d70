# SPDX-License-Identifier: MIT
"""Calls on userfaultfds in recordings: as ops, with what was registered before a window begins."""

import pytest

from corpus import text
from corpus.recording.follow import follow
from corpus.recording.layout import Layout
from corpus.recording.steps import apply
from corpus.recording.translate import Segment
from corpus.recording.windows import Cutter
from corpus.strace.parse import parse as parse_log
from corpus.syz.execute import execute
from corpus.syz.parse import parse as parse_program
from simulator import ops
from simulator.run import Machine
from tests.unit.recorded import translate

OPENED = (
    "userfaultfd(UFFD_USER_MODE_ONLY|O_CLOEXEC) = 3\n"
    "ioctl(3, UFFDIO_API, {api=0xaa, features=UFFD_FEATURE_SIGBUS|0x2000 => "
    "features=UFFD_FEATURE_EVENT_FORK|0x1e000, ioctls=1<<_UFFDIO_REGISTER}) = 0\n"
)
MAPPED = (
    "mmap(0x10000, 16384, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)"
    " = 0x10000\n"
    "mmap(0x20000, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)"
    " = 0x20000\n"
)
REGISTERED = (
    "ioctl(3, UFFDIO_REGISTER, {range={start=0x10000, len=0x4000}, "
    "mode=UFFDIO_REGISTER_MODE_MISSING|UFFDIO_REGISTER_MODE_WP, ioctls=1<<_UFFDIO_WAKE}) = 0\n"
)
COPY = (
    "ioctl(3, UFFDIO_COPY, {dst=0x11000, src=0x20010, len=0x1000, mode=UFFDIO_COPY_MODE_WP, "
    "copy=0x1000}) = 0\n"
)
BEFORE = OPENED + MAPPED + REGISTERED


def steps(log: str) -> list[tuple[int, tuple[int, ...]]]:
    taken = translate(follow(parse_log(log, "log"))).steps
    return [(step.code, step.args) for step in taken if step.uffd >= 0]


def layout_after(segment: Segment) -> Layout:
    """What is mapped in the first space when a segment is over."""
    layout = segment.before[0].copy()
    for step in segment.steps:
        apply(layout, step)
    return layout


def listed(log: str) -> list[str]:
    return [reason for _, reason in translate(follow(parse_log(log, "log"))).translation.listed]


def test_calls_of_a_userfaultfd_are_ops_with_its_features() -> None:
    features = ops.UFFD_USER_ONLY | ops.UFFD_SIGBUS | ops.UFFD_WP_UNPOPULATED
    found = steps(
        BEFORE + COPY + "ioctl(3, UFFDIO_ZEROPAGE, {range={start=0x12000, len=0x1000}, "
        "mode=UFFDIO_ZEROPAGE_MODE_DONTWAKE, zeropage=0x1000}) = 0\n"
        "ioctl(3, UFFDIO_WRITEPROTECT, {range={start=0x10000, len=0x2000}, "
        "mode=UFFDIO_WRITEPROTECT_MODE_WP}) = 0\n"
        "ioctl(3, UFFDIO_WAKE, {start=0x10000, len=0x1000}) = 0\n"
        "read(3, 0x7ffd, 32) = -1 EAGAIN (Resource temporarily unavailable)\n"
        "ioctl(3, UFFDIO_UNREGISTER, {start=0x10000, len=0x4000}) = 0\nclose(3) = 0\n"
    )
    assert found == [
        (ops.OP_USERFAULTFD, (0, features)),
        (ops.OP_UFFD_REGISTER, (0, 16, 20, ops.REGISTER_MISSING | ops.REGISTER_WP)),
        (ops.OP_UFFD_COPY, (0, 17, 18, 32, 33, ops.FILL_WP)),
        (ops.OP_UFFD_ZEROPAGE, (0, 18, 19, ops.FILL_DONTWAKE)),
        (ops.OP_UFFD_WRITEPROTECT, (0, 16, 18, ops.WRITEPROTECT_WP)),
        (ops.OP_UFFD_WAKE, (0, 16, 17)),
        (ops.OP_UFFD_READ, (0,)),
        (ops.OP_UFFD_UNREGISTER, (0, 16, 20)),
        (ops.OP_UFFD_CLOSE, (0,)),
    ]


def test_numbers_decide_where_strace_takes_an_ioctl_apart() -> None:
    (*_, last) = steps(
        BEFORE + "ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0xaa, 0x4, 0x20), "
        "{range={start=0x12000, len=0x1000}, mode=0}) = 0\n"
    )
    assert last == (ops.OP_UFFD_ZEROPAGE, (0, 18, 19, 0))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            "ioctl(3, UFFDIO_WRITEPROTECT, 0x7fff14008b70) = 0\n",
            "UFFDIO_WRITEPROTECT: the log does not show its argument",
        ),
        (
            "ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0xaa, 0x5, 0x28), 0x7fff) = 0\n",
            "UFFDIO_MOVE: the model has no op for it yet",
        ),
        (
            "ioctl(3, UFFDIO_WAKE, {start=0x10001, len=0x1000}) = -1 EINVAL (Invalid argument)\n",
            "UFFDIO_WAKE: the address is not page-aligned: scenarios have page numbers",
        ),
    ],
)
def test_what_is_not_taken_is_listed_with_its_reason(call: str, reason: str) -> None:
    assert listed(BEFORE + call) == [reason]


def test_events_that_the_model_has_not_take_the_whole_userfaultfd_out() -> None:
    with_events = BEFORE.replace("UFFD_FEATURE_SIGBUS|0x2000", "UFFD_FEATURE_EVENT_FORK")
    assert steps(with_events) == []
    assert listed(with_events) == [
        "UFFDIO_API: events: the model has no op for it yet",
        "UFFDIO_REGISTER: its UFFDIO_API is not taken",
    ]


def test_a_userfaultfd_is_closed_with_its_last_descriptor() -> None:
    two = BEFORE + "dup(3) = 4\nclose(3) = 0\n"
    assert ops.OP_UFFD_CLOSE not in {code for code, _ in steps(two)}
    assert steps(two + "close(4) = 0\n")[-1] == (ops.OP_UFFD_CLOSE, (0,))


def test_what_is_registered_goes_where_linux_takes_it() -> None:
    recorded = translate(
        follow(
            parse_log(
                BEFORE + "mremap(0x10000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x30000)"
                " = 0x30000\nmunmap(0x11000, 4096) = 0\n",
                "log",
            )
        )
    )
    layout = layout_after(recorded.segments[0])
    assert [(region.start, region.end, region.modes) for region in layout.regions] == [
        (18, 20, ops.REGISTER_MISSING | ops.REGISTER_WP),
        (32, 34, 0),
        (48, 49, 0),
    ]


def test_a_program_of_syzkaller_says_the_same() -> None:
    area = "&(0x7f0000000000/0x2000)=nil"
    program = parse_program(
        f"mmap({area}, 0x2000, 0x3, 0x32, 0xffffffffffffffff, 0x0)\n"
        "r0 = userfaultfd(0x801)\n"
        "ioctl$UFFDIO_API(r0, 0xc018aa3f, &(0x7f0000ffe000)={0xaa, 0x82})\n"
        f"ioctl$UFFDIO_REGISTER(r0, 0xc020aa00, &(0x7f0000ffe000)={{{{{area}, 0x2000}}, 0x1}})\n"
        f"ioctl$UFFDIO_WAKE(r0, 0xc028aa03, &(0x7f0000ffe000)={{{area}, {area}, 0x1000, 0x3}})\n"
        "close(r0)\n"
    )
    taken = translate(follow(execute(program).log)).steps
    base = 0x200000000000 // 4096
    assert [(step.code, step.args) for step in taken if step.uffd >= 0] == [
        (ops.OP_USERFAULTFD, (0, ops.UFFD_USER_ONLY | ops.UFFD_SIGBUS)),
        (ops.OP_UFFD_REGISTER, (0, base, base + 2, ops.REGISTER_MISSING)),
        (ops.OP_UFFD_COPY, (0, base, base + 1, base, base + 1, 3)),
        (ops.OP_UFFD_CLOSE, (0,)),
    ]


def test_a_window_begins_with_what_was_registered() -> None:
    recorded = translate(follow(parse_log(BEFORE + COPY, "log")))
    (segment,) = recorded.segments
    opened = next(at for at, s in enumerate(segment.steps) if s.code == ops.OP_UFFD_COPY)
    late = type(segment)(
        segment.steps[opened:], {0: layout_after(segment)}, segment.sizes, segment.uffds
    )
    (scenario,) = Cutter("log", "strace").cut(late)
    shown = text.dump(scenario)
    for line in ("userfaultfd u0 user-only sigbus wp-unpopulated", "missing wp", "uffd_copy u0"):
        assert line in shown
    outcome = Machine().run(scenario)
    assert outcome.violation is None
    assert outcome.results[-1] == 0
