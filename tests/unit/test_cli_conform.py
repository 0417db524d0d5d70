# SPDX-License-Identifier: MIT
"""`mmfarm conform`: verdicts, exit codes, and disagreements that triage knows."""

import json
import shutil
from pathlib import Path

import pytest

from conformance import debian, executor, kernel, kernels, qemu
from simulator.errno import EINVAL
from simulator.ops import OP_MUNMAP
from tests.model.stand_in import StandIn, Twist, failing
from triage import cli

AGREES = "# mmfarm scenario 1\nconfig pmd_order=3 frames=64\n1 T0 mmap 0..8 rw private anon\n"
DIFFERS = AGREES + "2 T0 munmap 0..4\n"
CANNOT = AGREES + "2 T0 pin p0 0 w\n"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, and a kernel that agrees."""
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MMFARM_DATABASE", raising=False)
    monkeypatch.setattr(executor, "why_not", lambda: "")
    boot(monkeypatch)


def boot(monkeypatch: pytest.MonkeyPatch, *twist: Twist) -> None:
    monkeypatch.setattr(kernel, "RealKernel", lambda: StandIn(*twist))


def written(folder: Path, **texts: str) -> str:
    for name, text in texts.items():
        (folder / f"{name}.mm").write_text(text)
    return str(folder)


def test_check_says_for_each_file_whether_it_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boot(monkeypatch, failing(OP_MUNMAP, EINVAL))
    folder = written(tmp_path, agrees=AGREES, cannot=CANNOT, differs=DIFFERS)
    assert cli.main(["conform", "check", folder, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(Path(f["file"]).stem, f["verdict"]) for f in document["files"]] == [
        ("agrees", "agrees"),
        ("cannot", "skipped"),
        ("differs", "disagrees"),
    ]
    differs = document["files"][2]["disagreement"]
    assert (differs["uid"], differs["observation"]) == (2, "result")
    assert (differs["model"], differs["kernel"]) == ("0", "EINVAL")
    assert document["files"][1]["reason"] == "it needs gup_test"
    assert cli.main(["conform", "check", folder]) == 1
    out = capsys.readouterr().out
    assert "op 2, T0: result is 0 in the model, EINVAL in the kernel" in out
    assert "1 agree, 1 disagree, 1 skipped" in out


@pytest.mark.parametrize(("text", "code"), [(AGREES, 0), (CANNOT, 4)])
def test_check_is_content_with_agreement_and_skips_what_cannot_run(
    tmp_path: Path, text: str, code: int
) -> None:
    assert cli.main(["conform", "check", written(tmp_path, one=text)]) == code


def test_check_refuses_what_is_no_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["conform", "check", str(tmp_path / "none.mm")]) == 2
    assert cli.main(["conform", "check", str(tmp_path)]) == 2
    assert cli.main(["conform", "check", written(tmp_path, bad="bad\n")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_both_verbs_skip_a_machine_that_cannot_ask_its_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(executor, "why_not", lambda: "no C compiler")
    assert cli.main(["conform", "run", "--json"]) == 4
    assert json.loads(capsys.readouterr().out) == {"skipped": "no C compiler"}
    assert cli.main(["conform", "check", written(tmp_path, one=AGREES)]) == 4
    assert "no C compiler" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["run"], ["check", "FILE"]])
def test_another_kernel_needs_qemu_and_a_package(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: list[str],
) -> None:
    file = written(tmp_path, one=AGREES)
    arguments = ["conform", *(file if word == "FILE" else word for word in verb), "--json"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert cli.main([*arguments, "--kernel", "debian-6.12"]) == 4
    assert "qemu-system-x86" in json.loads(capsys.readouterr().out)["skipped"]
    monkeypatch.setattr(qemu, "why_not", lambda: "")
    assert cli.main([*arguments, "--kernel", "debian-6.12"]) == 4
    assert "dpkg" in json.loads(capsys.readouterr().out)["skipped"]
    for name in ("debian-5.4", "debian-6", "fedora", "6.12", "file:"):
        assert cli.main([*arguments, "--kernel", name]) == 2
        assert "debian-6.12" in capsys.readouterr().err


def test_what_another_kernel_has_shown_is_replayed_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Guest(StandIn):
        def __init__(self, launch: str, version: str) -> None:
            super().__init__(failing(OP_MUNMAP, EINVAL))
            self.version = version

    monkeypatch.setattr(qemu, "why_not", lambda: "")
    monkeypatch.setattr(qemu, "guest", lambda image: image)
    monkeypatch.setattr(kernels, "resolve", lambda name: debian.Image("6.12.118", tmp_path))
    monkeypatch.setattr(kernel, "RealKernel", Guest)
    assert cli.main(["conform", "run", "--kernel", "debian-6.12", "--scenarios", "50"]) == 1
    capsys.readouterr()
    assert cli.main(["triage", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "kernel=6.12" in shown
    assert " times; " in shown
    assert "slice" not in shown, "nothing was found in one"
    assert "mmfarm conform check --kernel debian-6.12 F1\n" in shown
    assert cli.main(["conform", "check", "--kernel", "debian-6.12", "F1"]) == 1, "runs as printed"


def test_run_reports_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["conform", "run", "--scenarios", "50", "--seed", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["scenarios"], document["seed"]) == (50, 3)
    assert document["success"] > 0.6
    assert document["scenarios_per_cpu_second"] > 0
    assert document["disagreements"] == document["troubles"] == []


def test_a_disagreement_becomes_a_failure_that_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boot(monkeypatch, failing(OP_MUNMAP, EINVAL))
    assert cli.main(["conform", "run", "--scenarios", "50"]) == 1
    assert "conformance do_munmap result" in capsys.readouterr().out
    assert cli.main(["triage", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["signature"] == {
        "oracle": "conformance",
        "culprit": "do_munmap",
        "object_class": "result",
    }
    assert (row["state"], row["ops"]) == ("minimized", 1)
    assert cli.main(["triage", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "result is 0 in the model, EINVAL in the kernel" in shown
    assert "passes on this model" not in shown
    assert cli.main(["triage", "export", "1", "-o", str(tmp_path / "out"), "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert cli.main(["conform", "check", file]) == 1
    monkeypatch.setattr(kernel, "RealKernel", StandIn)
    assert cli.main(["conform", "check", file]) == 0


def test_a_disagreement_is_not_sent_through_the_model_s_own_verification(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from corpus.paths import data_dir
    from workers.settings import database_url
    from workers.store import Store

    boot(monkeypatch, failing(OP_MUNMAP, EINVAL))
    cli.main(["conform", "run", "--scenarios", "50"])
    store = Store.open(database_url(data_dir()))
    assert store.jobs() == []
    assert [row.state for row in store.failures()] == ["minimized"]
    store.close()
