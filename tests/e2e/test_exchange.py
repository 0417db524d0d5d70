# SPDX-License-Identifier: MIT
"""Scenarios from other tools and for other tools, by the command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]  # the fixture `mmfarm`: arguments -> what the process left

PROGRAM = """#{"threaded":true,"procs":1}
mmap(&(0x7f0000000000/0x4000)=nil, 0x4000, 0x3, 0x32, 0xffffffffffffffff, 0x0)
madvise(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x4) (async)
socket(0x1, 0x2, 0x3)
"""
TRACE = """1.000 ( 0.001 ms): p/1 mmap(len: 8192, prot: READ|WRITE, flags: PRIVATE|ANON) = 0x10000
2.000 ( 0.000 ms): p/1 minfault [main+0x1] => //anon@0x10008 (d.)
3.000 ( 0.001 ms): p/1 munmap(addr: 0x10000, len: 4096) = 0
"""
SCENARIO = """# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 3
"""


def test_a_program_becomes_scenarios_that_hold(mmfarm: Command, tmp_path: Path) -> None:
    source = tmp_path / "programs" / "race.txt"
    source.parent.mkdir()
    source.write_text(PROGRAM)
    out = tmp_path / "out"
    done = mmfarm("corpus", "import", "syz", source, "-o", out, "--json")
    assert done.code == 0
    data = done.json()
    assert (data["calls"], data["taken"], data["listed"]) == (3, 2, 1)
    assert data["files"] == [str(out / "race-001.mm")]
    assert "4 T1 madvise" in (out / "race-001.mm").read_text()
    assert mmfarm("corpus", "verify", out).code == 0
    done = mmfarm("corpus", "import", "syz", source.parent, "-o", out)
    assert done.out.startswith("race.txt: 3 calls and faults of 1 address spaces: 2 taken")


def test_programs_of_one_name_are_not_written_over_each_other(
    mmfarm: Command, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "race.txt").write_text(PROGRAM)
    done = mmfarm("corpus", "import", "syz", tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 2
    assert "2 files whose scenarios would be called race" in done.err


@pytest.mark.parametrize("wrong", [False, True])
def test_a_trace_is_compared_with_the_model(mmfarm: Command, tmp_path: Path, wrong: bool) -> None:
    source = tmp_path / "trace"
    answer = "-1 EINVAL (Invalid argument)" if wrong else "0"
    source.write_text(TRACE.replace("= 0\n", f"= {answer}\n"))
    done = mmfarm("corpus", "import", "perf", source, "-o", tmp_path / "out", "--check", "--json")
    assert done.code == (1 if wrong else 0)
    data = done.json()
    assert data["taken"]["by_name"] == {"minfault": 1, "mmap": 1, "munmap": 1}
    assert (data["check"]["compared"], data["check"]["agreed"]) == (3, 2 if wrong else 3)
    assert data["scenarios"] == 1


def test_a_scenario_becomes_a_program_and_comes_back(mmfarm: Command, tmp_path: Path) -> None:
    source = tmp_path / "corpus" / "sub" / "one.mm"
    source.parent.mkdir(parents=True)
    source.write_text(SCENARIO)
    printed = mmfarm("corpus", "export", "syz", source)
    assert printed.code == 0
    out = tmp_path / "out"
    assert mmfarm("corpus", "export", "syz", tmp_path / "corpus", "-o", out).code == 0
    program = out / "sub" / "one.syz"
    assert program.read_text() == printed.out
    assert mmfarm("corpus", "import", "syz", program, "-o", out).code == 0
    (back,) = out.glob("*.mm")
    assert back.read_text().splitlines()[-2:] == [
        "4 T0 mmap 16..20 rw private anon",
        "5 T0 write 19",
    ]
