# SPDX-License-Identifier: MIT
"""The strace formats that the parser takes, and what it does with lines that are none."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.recording import values
from corpus.recording.events import Call, Event, Exit, RecordingError, Signal, split_arguments
from corpus.strace import parse as parser
from corpus.strace.parse import load, parse


def only(line: str) -> Event:
    log = parse(line + "\n")
    assert log.odd_lines == []
    (event,) = log.events
    return event


@pytest.mark.parametrize(
    "line",
    [
        "munmap(0x7f0000000000, 4096)            = 0",
        "munmap(0x7f0000000000, 4096) = 0 <0.000011>",
        "1490939871.123456 munmap(0x7f0000000000, 4096) = 0",
        "06:38:07.426899 munmap(0x7f0000000000, 4096) = 0",
        "     0.000123 munmap(0x7f0000000000, 4096) = 0".strip(),
    ],
)
def test_a_call_is_read_with_any_stamps(line: str) -> None:
    assert only(line) == Call(1, 0, "munmap", "0x7f0000000000, 4096", "0", "", begin=1, end=1)


@pytest.mark.parametrize("prefix", ["1234 ", "1234  ", "[pid  1234] ", "1234 1490939871.123456 "])
def test_the_pid_is_read_in_both_forms(prefix: str) -> None:
    assert only(f"{prefix}brk(NULL) = 0x55e7dd5a2000").pid == 1234


@pytest.mark.parametrize(
    ("line", "result", "errno"),
    [
        ("mmap(NULL, 0, 0x3, 0x22, -1, 0) = -1 EINVAL (Invalid argument)", "-1", "EINVAL"),
        ('open("a) = 0", O_RDONLY) = -1 ENOENT (No such file or directory)', "-1", "ENOENT"),
        ("exit_group(0)                           = ?", "?", ""),
        ('read(3</dev/zero>, "\\0", 1) = 1', "1", ""),
        ("dup(3</a>) = 4</a>", "4</a>", ""),
        ("pause() = ? ERESTARTNOHAND (To be restarted if no handler)", "?", "ERESTARTNOHAND"),
        ("mmap(NULL, 4096, 0x3, 0x22, -1, 0) = 0x7f0000000000", "0x7f0000000000", ""),
    ],
)
def test_results_are_read(line: str, result: str, errno: str) -> None:
    call = only(line)
    assert isinstance(call, Call)
    assert (call.result, call.errno) == (result, errno)


def test_a_cut_call_is_joined_and_stands_where_it_began() -> None:
    log = parse(
        "10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
        "11 munmap(0x1000, 4096) = 0\n"
        "10 <... clone resumed>, child_tidptr=0x7f50fcb35a10) = 11\n"
    )
    assert log.events == [
        Call(
            1,
            10,
            "clone",
            "child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f50fcb35a10",
            "11",
            "",
            begin=1,
            end=3,
        ),
        Call(2, 11, "munmap", "0x1000, 4096", "0", "", begin=2, end=2),
    ]


def test_a_call_that_never_returns_is_kept() -> None:
    log = parse("10 munmap(0x1000, 4096 <unfinished ...>\n10 +++ killed by SIGKILL +++\n")
    assert log.events == [
        Call(1, 10, "munmap", "0x1000, 4096", "?", "", begin=1, end=2),
        Exit(2, 10, 2),
    ]


def test_signals_and_exits_are_events() -> None:
    signal = only("7 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x7f00} ---")
    assert isinstance(signal, Signal)
    assert signal.fields["si_addr"] == "0x7f00"
    assert only("7 +++ exited with 1 +++") == Exit(1, 7, 1)
    assert only("7 --- SIGCHLD ---") == Signal(1, 7, "SIGCHLD", {}, 1)


@pytest.mark.parametrize(
    "line",
    ["munmap(0x1000, 40", "<... munmap resumed>) = 0", "strace: Process 12 attached", "munmap"],
)
def test_lines_that_are_no_events_are_kept_with_their_number(line: str) -> None:
    log = parse(f"brk(NULL) = 0x1000\n{line}\nbrk(NULL) = 0x1000\n")
    assert len(list(log.events)) == 2
    assert [at for at, _ in log.odd_lines] == [2]


@pytest.mark.parametrize("text", ["", "\n\n", "hello world\n", "# mmfarm scenario 1\n"])
def test_a_file_that_is_no_log_is_refused(text: str) -> None:
    with pytest.raises(RecordingError, match="strace -f -o FILE"):
        parse(text)


def test_binary_and_huge_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(RecordingError, match="NUL"):
        load(file)
    with file.open("wb") as sparse:
        sparse.truncate(parser.MAX_LOG_BYTES + 1)
    with pytest.raises(RecordingError, match="too large"):
        load(file)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", []),
        ("NULL, 4096", ["NULL", "4096"]),
        ('3, "a, (b\\"", 5', ["3", '"a, (b\\""', "5"]),
        ("{a=1, b=[2, 3]}, f(4, 5)", ["{a=1, b=[2, 3]}", "f(4, 5)"]),
        ("0x1, 4096, 0x66 /* MADV_???, (x */", ["0x1", "4096", "0x66"]),
        ('write, &0x803030="**,*"..., 4', ["write", '&0x803030="**,*"...', "4"]),
        ("4,", ["4", ""]),
    ],
)
def test_arguments_are_split_outside_of_strings_and_brackets(
    text: str, arguments: list[str]
) -> None:
    assert split_arguments(text) == arguments


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("NULL", 0),
        ("0x1f", 31),
        ("64*1024", 65536),
        ("-1", -1),
        ("0644", 420),
        ("-0x10", -16),
        ("12ab", None),
        ("", None),
        ("RLIM64_INFINITY", None),
    ],
)
def test_numbers_are_read_as_strace_prints_them(word: str, value: int | None) -> None:
    assert values.number(word) == value


def test_flags_are_read_by_name_and_by_number() -> None:
    assert values.flags("MAP_PRIVATE|MAP_ANONYMOUS", values.MAP) == 0x22
    assert values.flags("0x22", values.MAP) == 0x22
    assert values.flags("MAP_SHARED|0x100000", values.MAP) == 0x100001
    assert values.flags("MAP_SHARED|MAP_NEWEST", values.MAP) is None


def test_strings_are_read_only_when_whole() -> None:
    assert values.string(r'"\6\0\x41\n\""') == b'\x06\0A\n"'
    assert values.string(r'"\9"') == b"9"  # no octal digit: as it stands
    assert values.string('&0x803030="4"') == b"4"
    assert values.string('"abc"...') is None
    assert values.string("0x1234") is None


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    try:
        log = parse("brk(NULL) = 0x1000\n" + text)
    except RecordingError:
        return
    for event in log.events:
        if isinstance(event, Call):
            split_arguments(event.arguments)


@given(
    st.lists(
        st.sampled_from(
            [
                "mmap(",
                "NULL, ",
                "4096, ",
                "PROT_READ",
                ")",
                " = ",
                "0x1000",
                "<unfinished ...>",
                "\n",
                "1 ",
                "<... mmap resumed>",
                '"',
                "{",
                "}",
                "--- SIGSEGV {si_addr=0} ---",
                "+++ exited with 0 +++",
                "-1 EINVAL (x)",
                "?",
                "|",
                ",",
            ]
        ),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_no_shuffled_log_makes_the_parser_fail_otherwise(text: str) -> None:
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        log = parse(text)
    except RecordingError:
        return
    assert len(list(log.events)) + len(log.odd_lines) <= len(lines)
