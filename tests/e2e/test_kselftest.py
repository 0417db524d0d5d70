# SPDX-License-Identifier: MIT
"""`mmfarm corpus export kselftest` as users call it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[..., Any]  # the fixture `mmfarm`: arguments -> what the process left

HEAD = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n"
GOOD = f"{HEAD}1 T0 mmap 0..8 rw private anon\n2 T0 write 3\n"
DEVICE = f"{HEAD}1 DEVICE device_read 0\n"


def test_a_folder_becomes_c_and_what_cannot_is_named(mmfarm: Command, tmp_path: Path) -> None:
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "good.mm").write_text(GOOD)
    (scenarios / "device.mm").write_text(DEVICE)
    done = mmfarm("corpus", "export", "kselftest", scenarios, "-o", tmp_path / "out")
    assert done.code == 0
    written = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert written == [
        "Makefile.fragment",
        "config.fragment",
        "gitignore.fragment",
        "mmfarm_mmap.c",
        "run_vmtests.sh.fragment",
    ]
    assert "1 of 2 scenarios exported" in done.out
    assert f"{scenarios}/device.mm: not exported: op 1 is DEVICE's" in done.err
    told = mmfarm("corpus", "export", "kselftest", scenarios, "-o", tmp_path / "out", "--json")
    assert told.json()["exported"] == 1
    assert told.json()["not_exported"][0]["file"] == str(scenarios / "device.mm")


def test_nothing_to_export_is_a_skip(mmfarm: Command, tmp_path: Path) -> None:
    file = tmp_path / "device.mm"
    file.write_text(DEVICE)
    done = mmfarm("corpus", "export", "kselftest", file, "-o", tmp_path / "out")
    assert done.code == 4
    assert "not exported" in done.err
    assert not list((tmp_path / "out").iterdir())


def test_help_says_what_becomes_of_schedules(mmfarm: Command) -> None:
    done = mmfarm("corpus", "export", "kselftest", "--help")
    assert done.code == 0
    assert "stress test" in done.out
    assert "[6.12|6.18|7.2]" in done.out
