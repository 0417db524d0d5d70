# SPDX-License-Identifier: MIT
"""`--model PATCH`: a verb runs with a changed model, whose build id is its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.build import ROOT, build_id
from triage import model
from triage.exits import Refused
from triage.replaced import PatchError, replaced

FILE = "simulator/mm/migrate_device.py"
# What was proposed: no flush of single entries, and the one of all after the lock is dropped.
LATE_FLUSH = f'''# in {FILE}
"""collect without a flush under the lock."""


def collect_ptes(k: "Kernel", args: MigrateVma, start: i64, end: i64) -> i64:
    mm = args.mm
    table = pte_offset_map_lock(k, sites.MIGRATE_VMA_COLLECT_PMD__LOCK, mm, start)
    if table is None:
        if pmd_is_huge(k, mm, start):
            return start
        hole(k, args, start, end)
        return end
    unmapped = False
    for va in range(start, end):
        if collect_pte(k, args, table, va):
            unmapped = True
    pte_unmap_unlock(k, table)
    if unmapped:
        k.step(sites.MIGRATE_VMA_COLLECT_PMD__PTL_DROPPED, pmd_obj(mm.id, 0), READ)
        tlb.flush_tlb_range(k, mm, start, end)
    return end


def defers_flush(k: "Kernel") -> bool:
    return True
'''
RACE = """# mmfarm scenario 1
config pmd_order=3 frames=64
1 T0 mmap 0..1 rw private anon populate
2 DEVICE migrate_to_device 0..1
3 T1 madvise 0..1 DONTNEED
"""


def mmfarm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MMFARM_MODEL": "interpreted", "XDG_CACHE_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "triage", *arguments],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_patched_model_runs_and_leaves_the_own_one_alone(tmp_path: Path) -> None:
    patch, race, found = tmp_path / "late.py", tmp_path / "race.mm", tmp_path / "found.mm"
    patch.write_text(LATE_FLUSH)
    race.write_text(RACE)
    asked = ["explore", str(race), "--preemptions", "1", "--json", "-o", str(found)]
    done = mmfarm(tmp_path, *asked, "--model", str(patch))
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["signature"] == "stale-tlb migrate_vma_collect_pmd anon"
    assert answer["build_id"] != build_id()
    assert mmfarm(tmp_path, "replay", str(found)).returncode == 0
    assert mmfarm(tmp_path, "replay", f"--model={patch}", str(found)).returncode == 1
    assert len(list((tmp_path / "mmfarm" / "models").iterdir())) == 1  # made once


def test_a_diff_does_the_same_as_its_functions(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(LATE_FLUSH)
    one = model.patched_in(tmp_path / "one", tmp_path / "f.py")
    old, new = ROOT / FILE, one / FILE
    made = subprocess.run(
        ["diff", "-u", f"--label=a/{FILE}", f"--label=b/{FILE}", str(old), str(new)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (tmp_path / "f.diff").write_text(f"Subject: no flush under the lock\n\n---\n{made}")
    other = model.patched_in(tmp_path / "two", tmp_path / "f.diff")
    assert (other / FILE).read_text() == new.read_text() != old.read_text()


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ("--- a/triage/cli.py\n+++ b/triage/cli.py\n@@ -1 +1 @@\n-x\n+y\n", "simulator/ alone"),
        (f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1 +1 @@\n-x\n+y\n", "does not apply"),
        ("def no_such_function_there() -> None:\n    pass\n", "replaces no function"),
        ("x = 1\n", "neither a function nor an import"),
        ("def f(:\n", "no diff, and no Python"),
        ("# in simulator/mm/none.py\ndef f() -> None: ...\n", "is not there"),
    ],
)
def test_what_is_wrong_with_a_patch_is_said(tmp_path: Path, patch: str, why: str) -> None:
    file = tmp_path / "patch"
    file.write_text(patch)
    with pytest.raises(Refused, match=why):
        model.patched_in(tmp_path / "models", file)
    assert not [tree for tree in (tmp_path / "models").iterdir() if tree.name[0] != "."]


def small(tmp_path: Path) -> Path:
    """A tree of two files that both have a function f()."""
    for name in ("one", "two"):
        file = tmp_path / "simulator" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'import os\n\n\ndef f() -> str:\n    return "{name}"\n\n\nX = 1\n')
    return tmp_path


def test_a_name_that_stands_twice_has_to_be_placed(tmp_path: Path) -> None:
    new = "import re\n\n\ndef f() -> str:\n    return g()\n\n\ndef g() -> str:\n    return re.M\n"
    with pytest.raises(PatchError, match="line 4: .*simulator/one.py, simulator/two.py; say which"):
        replaced(new, small(tmp_path))
    (changed,) = replaced(f"# in simulator/two.py\n{new}", tmp_path).items()
    assert changed[0].name == "two.py"
    assert changed[1] == (
        "import os\nimport re\n\n\ndef f() -> str:\n    return g()\n\n\nX = 1\n\n\n"
        "def g() -> str:\n    return re.M\n"
    )


def test_the_command_line_is_given_on_without_the_option() -> None:
    line = ["replay", "--model", "p", "x.mm", "--json"]
    assert model.without_model(line) == ["replay", "x.mm", "--json"]
    assert model.without_model(["replay", "--model=p", "x.mm"]) == ["replay", "x.mm"]


def test_git_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("git")
    file = tmp_path / "patch"
    file.write_text(f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1 +1 @@\n-x\n+y\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="needs git"):
        model.patched_in(tmp_path / "models", file)
