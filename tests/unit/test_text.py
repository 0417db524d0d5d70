# SPDX-License-Identifier: MIT
"""The canonical text codec: one text for one scenario, clear errors for everything else."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus import headers, text
from corpus.text import TextError, dump, load, parse
from simulator import ops
from simulator import scenario as sc
from simulator.scenario import Config, Directive, Op, Scenario

EXAMPLE = """\
# mmfarm scenario 1
# title: migrate_vma loses a concurrent zap
# category: migration
# requires: device-private
# expect: stale-tlb migrate_vma_collect_pmd anon
# origin: seed:migrate_device-dirty-bit
config pmd_order=3 frames=64 cpus=4 T1@0 bug=migratevma-tlb-flush-after-ptl
1 T0 mmap 0..8 rw private anon
8 T0 memfd f0 8
9 T0 mmap 16..20 r shared f0+3 noreplace populate
10 T0 mmap 24..28 rx private x1023+8
11 T0 mremap 0..4 to 12 dontunmap
12 T0 mremap 12..16 to 40..48
2 T0 write 3
13 T0 write 3.2
14 T0 pin p0 3 w longterm
15 T0 dma_read p0
16 T0 dma_write p0.2
3 DEVICE migrate_to_device 0..8
4 T1 madvise 0..8 DONTNEED
5 T0 read 3
6 T0 fork T2
7 T2 exit
@3 op:begin#1 park 4
@3 op:end#2 fail
@3 op:end#2 ipi +3
@3 op:end#2 tlb 1
@4 op:begin#1 -> T0
"""


def refused(wrong: str | bytes) -> TextError:
    with pytest.raises(TextError) as caught:
        parse(wrong, "x.mm")
    error = caught.value
    assert str(error) == f"x.mm:{error.line}:{error.column}: {error.message}"
    return error


def changed(old: str, new: str) -> str:
    assert EXAMPLE.count(old) == 1, old
    return EXAMPLE.replace(old, new)


def test_a_text_with_everything_is_read_and_printed_unchanged() -> None:
    assert dump(parse(EXAMPLE)) == EXAMPLE


def test_arguments_become_the_slots_the_op_table_names() -> None:
    by_uid = {op.uid: op for op in parse(EXAMPLE).ops}
    assert by_uid[1].args == (0, 8, 3, 0, 0, 0, 0)
    assert by_uid[9].args == (16, 20, 1, 1, 1, 3, ops.MMAP_NOREPLACE | ops.MMAP_POPULATE)
    assert by_uid[10].args == (24, 28, 5, 0, ops.FIRST_OTHER_FILE + 1023, 8, 0)
    assert by_uid[11].args == (0, 4, 12, 16, 1)
    assert by_uid[12].args == (12, 16, 40, 48, 0)
    assert by_uid[2].args == (12,)
    assert by_uid[13].args == (14,)
    assert by_uid[16].args == (2,)


def test_directives_and_config_become_values() -> None:
    scenario = parse(EXAMPLE)
    assert scenario.config == Config(
        cpus=4, placement=((1, 0),), bugs=("migratevma-tlb-flush-after-ptl",)
    )
    assert scenario.directives == (
        Directive(3, "op:begin", 1, sc.PARK, 4),
        Directive(3, "op:end", 2, sc.FAIL, 0),
        Directive(3, "op:end", 2, sc.IPI, 3),
        Directive(3, "op:end", 2, sc.TLB, 1),
        Directive(4, "op:begin", 1, sc.SWITCH, 0),
    )
    assert dict(scenario.headers)["expect"] == "stale-tlb migrate_vma_collect_pmd anon"


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "remedy"),
    [
        # headers
        ("# mmfarm scenario 1", "# mmfarm scenario 2", 1, 1, "`# mmfarm scenario 1`"),
        ("# title", "# titel", 2, 3, "did you mean 'title'"),
        ("# title: ", "# title:", 2, 9, "write `# title: migrate_vma"),
        ("# category: migration\n", "# category: migration\n# category: thp\n", 4, 3, "once"),
        ("# category: migration\n", "# just words\n", 3, 1, "a header looks like"),
        ("# category: migration", "# category:", 3, 3, "give it a value or remove"),
        ("# category: migration", "# category: Two Words", 3, 3, "one lower-case word"),
        ("stale-tlb migrate_vma_collect_pmd anon", "stale-tlb", 5, 3, "`clean` or `ORACLE"),
        ("seed:migrate_device-dirty-bit", "nowhere", 6, 3, "seed:NAME"),
        # config
        ("config pmd", "cfg pmd", 7, 1, "`config pmd_order=3 frames=64`"),
        ("frames=64", "frame=64", 7, 20, "did you mean 'frames'"),
        ("frames=64", "frames=064", 7, 27, "decimal number"),
        ("frames=64", "frames=99999999999", 7, 27, "at most 10 digits"),
        ("frames=64", "frames=64 pages=0", 7, 30, "write `config pmd_order=3 frames=64 cpus=4"),
        ("pmd_order=3 frames=64", "frames=64 pmd_order=3", 7, 8, "write `config pmd_order=3"),
        ("T1@0", "T1@0 T1@0", 7, 42, "placed twice"),
        ("T1@0", "T9@0", 7, 37, "unknown actor 'T9'"),
        ("cpus=4", "cpus=4 cpus=4", 7, 37, "given twice"),
        # ops
        ("2 T0 write 3\n", "2 T0 writ 3\n", 14, 6, "did you mean 'write'"),
        ("2 T0 write 3\n", "2 T0  write 3\n", 14, 6, "write `2 T0 write 3`"),
        ("2 T0 write 3\n", "2 T0 write 3.0\n", 14, 13, "write `2 T0 write 3`"),
        ("2 T0 write 3\n", "2 T0 write 3.4\n", 14, 14, "words 0 to 3"),
        ("2 T0 write 3\n", "2 T0 write\n", 14, 11, "the line ends where word should stand"),
        ("2 T0 write 3\n", "2 T0 write 3 4\n", 14, 14, "unexpected '4'"),
        ("2 T0 write 3\n", "1 T0 write 3\n", 14, 1, "stands in line 8 too"),
        ("2 T0 write 3\n", "0 T0 write 3\n", 14, 1, "start at 1"),
        ("2 T0 write 3\n", "\n", 14, 1, "empty line: remove it"),
        ("2 T0 write 3\n", "2 T0 write 3\r\n", 14, 13, "bare newline"),
        ("2 T0 write 3\n", "2 T0\twrite 3\n", 14, 5, "write one space"),
        ("2 T0 write 3\n", "two T0 write 3\n", 14, 1, "starts neither an op"),
        ("0..8 DONTNEED", "0..8 DONTNED", 20, 19, "did you mean 'DONTNEED'"),
        ("0..8 DONTNEED", "0.8 DONTNEED", 20, 14, "look like 16..32"),
        ("0..8 DONTNEED", "8..0 DONTNEED", 20, 17, "8 or more"),
        ("noreplace populate", "populate noreplace", 10, 32, "write `9 T0 mmap 16..20"),
        ("noreplace populate", "noreplace popul", 10, 42, "did you mean 'populate'"),
        ("f0+3", "f0+", 10, 30, "offset in pages"),
        ("f0+3", "f4", 10, 27, "f0 to f3"),
        ("f0+3", "g0", 10, 27, "anon, f0, f0+3 or x1+8"),
        ("x1023", "x1024", 11, 30, "x0 to x1023"),
        ("to 12 dontunmap", "at 12 dontunmap", 12, 19, "`to` should stand here"),
        ("to 12 dontunmap", "to 12..16 dontunmap", 12, 24, "write `11 T0 mremap 0..4 to 12"),
        ("memfd f0 8", "memfd f0 1025", 9, 15, "1 to 1024"),
        ("pin p0 3", "pin p8 3", 16, 11, "p0 to p7"),
        # directives
        ("@3 op:begin#1", "@99 op:begin#1", 24, 2, "no op has the uid 99"),
        ("@3 op:begin#1", "@3 op:begin", 24, 4, "zap_pte_range:pte_cleared#1"),
        ("@3 op:begin#1", "@3 op:beginn#1", 24, 4, "did you mean 'op:begin'"),
        ("@3 op:begin#1", "@3 op:begin#0", 24, 13, "counted from 1"),
        ("park 4", "parc 4", 24, 15, "did you mean 'park'"),
        ("park 4", "park 44", 24, 20, "no op has the uid 44"),
        ("ipi +3", "ipi 3", 26, 17, "looks like +3"),
        ("fail\n", "fail now\n", 25, 18, "the line should end before it"),
        ("tlb 1\n", "ipi +4\n", 27, 1, "keep one"),
        (
            "@3 op:begin#1 park 4\n@3 op:end#2 fail",
            "@3 op:end#2 fail\n@3 op:begin#1 park 4",
            24,
            1,
            "here belongs `@3 op:begin#1 park 4`",
        ),
        ("@4 op:begin#1 -> T0\n", "@4 op:begin#1 -> T0\n20 T0 exit\n", 29, 1, "move this line up"),
        ("@4 op:begin#1 -> T0\n", "@4 op:begin#1 -> T0\n# note: x\n", 29, 1, "before the config"),
        ("@4 op:begin#1 -> T0\n", "@4 op:begin#1 -> T0", 28, 20, "end with a newline"),
    ],
)
def test_an_error_says_where_and_what_would_be_right(
    old: str, new: str, line: int, column: int, remedy: str
) -> None:
    error = refused(changed(old, new))
    assert (error.line, error.column) == (line, column), str(error)
    assert remedy in error.message


def test_a_scenario_that_no_run_accepts_is_refused_at_its_op() -> None:
    arena = 8 << 3
    error = refused(changed("2 T0 write 3\n", f"2 T0 write {arena}\n"))
    assert error.line == 14


def test_bytes_that_are_no_text_are_called_so() -> None:
    assert "NUL" in refused(b"# mmfarm scenario 1\n\0").message
    error = refused(b"# mmfarm scenario 1\n# title: \xff\xfe\n")
    assert (error.line, error.column) == (2, 10)
    assert "UTF-8" in error.message
    refused(b"")
    refused(b"\x7fELF\x02\x01\x01")
    refused("# mmfarm scenario 1\n# title: \ud800\n")


def test_too_large_is_refused_by_size_before_parsing(tmp_path: Path) -> None:
    huge = "x" * (text.MAX_TEXT_BYTES + 1)
    assert "too large" in refused(huge).message
    assert "too large" in refused(huge.encode()).message
    file = tmp_path / "huge.mm"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(TextError, match="too large"):
        load(file)


def test_more_ops_than_a_text_holds_are_refused() -> None:
    head = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
    body = [f"{uid} T0 read 0" for uid in range(1, sc.MAX_OPS + 2)]
    most = head + "\n".join(body[:-1]) + "\n"
    assert dump(parse(most)) == most
    error = refused(head + "\n".join(body) + "\n")
    assert error.line == 2 + sc.MAX_OPS + 1
    assert str(sc.MAX_OPS) in error.message
    refused(head + "\n" * (text.MAX_TEXT_BYTES - len(head)))


def test_a_file_is_read_under_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "one.mm"
    file.write_text(EXAMPLE)
    assert load(file) == parse(EXAMPLE)
    file.write_text("nonsense\n")
    with pytest.raises(TextError) as caught:
        load(file)
    assert caught.value.name == str(file)


@pytest.mark.parametrize(
    "broken",
    [
        replace(parse(EXAMPLE), headers=(("author", "me"),)),
        replace(parse(EXAMPLE), headers=(("expect", "clean"), ("title", "t"))),
        replace(parse(EXAMPLE), headers=(("title", "two\nlines"),)),
        replace(parse(EXAMPLE), directives=parse(EXAMPLE).directives[::-1]),
        Scenario(ops=(Op(1, 0, ops.OP_READ, ()),)),
        Scenario(ops=tuple(Op(i + 1, 0, ops.OP_EXIT) for i in range(sc.MAX_OPS + 1))),
    ],
)
def test_what_the_text_cannot_carry_is_not_printed(broken: Scenario) -> None:
    with pytest.raises(ValueError, match=r"."):
        dump(broken)


def test_every_header_name_has_its_place_in_a_text() -> None:
    values = {
        "title": "t",
        "category": "thp",
        "requires": "swap uffd",
        "expect": headers.CLEAN,
        "origin": "farm",
    }
    full = replace(parse(EXAMPLE), headers=tuple((n, values[n]) for n in headers.NAMES))
    assert parse(dump(full)) == full
