# SPDX-License-Identifier: MIT
"""The text of syzkaller programs, of today and of 2017, and what is none."""

from pathlib import Path

import pytest

from corpus.recording.events import RecordingError
from corpus.syz.parse import MAX_PROGRAM_BYTES, load, parse
from corpus.syz.program import (
    DATA_BASE,
    Bound,
    Data,
    Group,
    Nothing,
    Number,
    Pointer,
    ProgramCall,
    Result,
    Value,
)


def only(line: str) -> ProgramCall:
    program = parse(line)
    assert program.odd_lines == []
    (call,) = program.calls
    return call


def argument(text: str) -> Value:
    (value,) = only(f"f({text})").arguments
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0xffffffffffffffff", Number(2**64 - 1)),
        ("17", Number(17)),
        ("r0", Result("r0")),
        ("r1/2+0x8", Result("r1", 2, 8)),
        ("nil", Nothing()),
        ("&AUTO", Pointer(DATA_BASE)),
        ("&(0x7f0000001000/0x2000)=nil", Pointer(DATA_BASE + 0x1000, 0x2000, Nothing())),
        ("&(0x7f0000001080/0x2000)=nil", Pointer(DATA_BASE + 0x1000, 0x2000, Nothing())),
        ("&(0x7f0000001080)", Pointer(DATA_BASE + 0x1080)),
        ("&(0x7f0000002000-0x18)={0xaa}", Pointer(DATA_BASE + 0x1FE8, 0, Group((Number(0xAA),)))),
        (
            '&(0x7f0000000000)=ANY=[@ANYBLOB="0102"]',
            Pointer(DATA_BASE, 0, Group((Data(b"\1\2", 2),))),
        ),
        ("{0x1, [0x2, 0x3], {}}", Group((Number(1), Group((Number(2), Number(3))), Group(())))),
        ("@in={0x2}", Group((Number(2),))),
        ("@void", Nothing()),
        ("<r2=>0x0", Bound("r2", Number(0))),
        ('"0aff"', Data(b"\n\xff", 2)),
        ('""/247', Data(None, 247)),
        ('"61"/16', Data(b"a", 16)),
        (r"'a\x00\'\n,)'", Data(b"a\0'\n,)", 6)),
        ('"$eJwqrqzKTszJSS0CBAAA//8TyQPi"', Data(None, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arguments(text: str, value: Value) -> None:
    assert argument(text) == value


def test_a_variant_may_have_another_dollar() -> None:
    (call,) = parse("ioctl$BTRFS$GET(0x3)").calls
    assert (call.name, call.variant) == ("ioctl", "BTRFS$GET")


def test_a_line_has_a_result_a_variant_properties_and_a_comment() -> None:
    call = only("r3 = ioctl$UFFDIO_COPY(r1, 0xc028aa05) (async, rerun: 32) # why")
    assert (call.result, call.name, call.variant) == ("r3", "ioctl", "UFFDIO_COPY")
    assert (call.asynchronous, call.rerun, call.fail_nth, call.comment) == (True, 32, 0, "why")
    assert only("f() (fail_nth: 3)").fail_nth == 3


@pytest.mark.parametrize(
    "header",
    [
        '#{"threaded":true,"collide":true,"procs":6,"fault_call":-1}',
        "# {Threaded:true Collide:true Procs:6 FaultCall:-1}",
    ],
)
def test_headers_of_both_forms(header: str) -> None:
    program = parse(f"# https://example.org\n{header}\n\nf()\n# {{not:a header}}\n")
    assert program.options == {
        "threaded": "true",
        "collide": "true",
        "procs": "6",
        "faultcall": "-1",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("munmap(&(0x7f0000000000/0x1000)=nil, 0x10", "column 42: here belongs `,` or `)`"),
        ("munmap(&(0x7f00000000", "column 8: no value: &(0x7f00000000"),
        ("f(0x1 0x2)", "column 7: here belongs `,` or `)`: 0x2)"),
        ('f("0)', "column 3: a string that does not end"),
        ("f() (slow)", "column 6: an unknown property of a call: slow"),
        ("f() g()", "column 4: text behind the call"),
        ("f(0x11111111111111111111)", "column 3: a number of more than 64 bits"),
        ("f(" + "[" * 1000, "column 68: structures nested more than 64 deep"),
        ("f(" + "&(0x7f0000000000)=" * 1000, "structures nested more than 64 deep"),
        ("f(" + "@a=" * 1000 + "0x1)", "structures nested more than 64 deep"),
        ("f(" + "<r0=>" * 1000 + "0x1)", "structures nested more than 64 deep"),
        ("just words", "column 1: no call"),
    ],
    ids=lambda value: value[:30],
)
def test_a_line_that_is_no_call_is_kept_with_its_place(line: str, reason: str) -> None:
    program = parse(f"f()\n{line}\ng()\n")
    assert [call.name for call in program.calls] == ["f", "g"]
    ((at, message),) = program.odd_lines
    assert at == 2
    assert reason in message


def test_a_file_without_any_call_is_refused_with_the_first_bad_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"<program>:3: no line .*column 1: no call"):
        parse("# one\n\n\x01\n\x02\n")
    with pytest.raises(RecordingError, match=r"<program>:1: no line .*it is empty"):
        parse("")
    large = tmp_path / "large"
    with large.open("wb") as sparse:
        sparse.truncate(MAX_PROGRAM_BYTES + 1)
    with pytest.raises(RecordingError, match="too large"):
        load(large)
    large.write_bytes(b"f()\ng(\0)\n")
    with pytest.raises(RecordingError, match=":2: a NUL byte"):
        load(large)
