# SPDX-License-Identifier: MIT
"""The verbs that an operator types: what they show, what they change, what they refuse."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.farming import begun, finding, leased, text_of
from triage import cli
from workers import supervisor
from workers.ledger import MAX_ATTEMPTS
from workers.records import RunFigures
from workers.schema import ALONE, VERIFY
from workers.settings import database_url
from workers.store import Store

Json = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the user's data folder."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("MMFARM_DATA", str(data))
    for name in ("MMFARM_DATABASE", "MMFARM_BROKER"):
        monkeypatch.delenv(name, raising=False)
    with closing(Store.open(database_url(data))) as opened:
        yield opened


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Json:
    def ask(*words: str) -> Any:
        assert cli.main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def test_an_order_is_split_into_slices_that_are_owed(store: Store, answer: Json) -> None:
    assert answer("farm", "submit", "--seconds", "300") == {"runs": ["R1", "R2", "R3"]}
    assert [run.spec["seconds"] for run in store.runs()] == [100.0] * 3
    assert [job.state for job in store.jobs()] == ["ready"] * 3
    listed = answer("farm", "runs", "list")
    assert [(row["id"], row["state"]) for row in listed] == [
        ("R1", "queued"),
        ("R2", "queued"),
        ("R3", "queued"),
    ]
    assert [row["id"] for row in answer("farm", "runs", "list", "--limit", "1")] == ["R3"]


def test_a_known_bug_that_does_not_exist_is_not_ordered(store: Store) -> None:
    assert cli.main(["farm", "submit", "--bug", "no-such-bug"]) == 2
    assert store.runs() == []


def test_the_status_says_who_is_missing_and_what_waits(
    store: Store, answer: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    answer("farm", "submit")
    assert cli.main(["farm", "status"]) == 0
    shown = capsys.readouterr().out
    assert "none: start `mmfarm farm scheduler`" in shown
    assert "no worker: start `mmfarm farm worker`" in shown
    assert "1 ready" in shown
    store.here(name="w@h:1", host="h", queues=["fuzz"], number=4, busy=1, build_id="b", note="")
    store.hold_lock("scheduler", "s@h:2", 60)
    status = answer("farm", "status")
    assert (status["slots"], status["busy"], status["scheduler"]) == (4, 1, "s@h:2")


def test_a_farm_is_paused_and_goes_on(store: Store, answer: Json) -> None:
    assert answer("farm", "pause")["paused"]
    assert store.farm().paused
    assert answer("farm", "drain") == {
        "farm": store.farm().farm_id,
        "paused": True,
        "draining": True,
    }
    resumed = answer("farm", "resume")
    assert (resumed["paused"], resumed["draining"]) == (False, False)


def test_what_is_put_aside_is_listed_with_the_command_that_goes_on(
    store: Store, answer: Json
) -> None:
    _, lease = begun(store)
    store.end_run(lease, RunFigures("timeout"), [finding()], suspect=text_of(3))
    store.tried_alone(leased(store, ALONE, 1), 2, "the child ended with 71")
    for _ in range(MAX_ATTEMPTS):
        store.died(leased(store, VERIFY, 1), "the child ended with -11")
    listed = answer("farm", "quarantine", "list")
    assert [(row["id"], row["state"]) for row in listed] == [("Q1", "quarantined"), ("F1", "held")]
    assert answer("farm", "quarantine", "show", "Q1")["text"] == text_of(3)
    for row in listed:
        answer(*row["remedy"].split()[1:])
    assert answer("farm", "quarantine", "list") == []
    assert [row["code"] for row in answer("why", "Q1")] == ["suspected", "quarantined", "released"]
    assert [row["code"] for row in answer("why", "F1")] == ["held", "retried"]


@pytest.mark.parametrize(
    "words",
    [
        ["farm", "retry", "F7"],
        ["farm", "retry", "x"],
        ["farm", "quarantine", "show", "Q7"],
        ["farm", "quarantine", "release", "Q7"],
        ["farm", "runs", "show", "R7"],
        ["farm", "runs", "show", "F1"],
        ["why", "12"],
        ["why", "../../x"],
    ],
)
def test_what_is_not_there_is_refused(store: Store, words: list[str]) -> None:
    assert cli.main(words) == 2


def test_a_run_is_shown_with_what_it_found(store: Store, answer: Json) -> None:
    _, lease = begun(store)
    store.end_run(lease, RunFigures("findings", executions=5), [finding()], "a note")
    shown = answer("farm", "runs", "show", "R1")
    assert (shown["state"], shown["failures"], shown["note"]) == ("done", ["F1"], "a note")
    assert shown["figures"]["executions"] == 5


def test_a_backup_goes_into_an_empty_store(
    store: Store, answer: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.record(finding())
    file = str(tmp_path / "backup.gz")
    assert answer("farm", "backup", file)["rows"]["failure"] == 1
    assert cli.main(["farm", "restore", file]) == 3, "this one is not empty"
    monkeypatch.setenv("MMFARM_DATA", str(tmp_path / "other"))
    assert answer("farm", "restore", file)["rows"]["failure"] == 1
    assert [row["id"] for row in answer("triage", "list")] == [1]


def test_a_signature_names_no_file_outside_the_folder(
    store: Store, answer: Json, tmp_path: Path
) -> None:
    bad = "../../../../x/y"
    store.record(replace(finding(), oracle=bad, culprit=f"{bad}\0"))
    out = tmp_path / "deep" / "er" / "out"
    out.mkdir(parents=True)
    before = {path for path in tmp_path.rglob("*") if out not in path.parents}
    files = answer("triage", "export", "1", "-o", str(out))["files"]
    assert all(Path(file).resolve().parent == out for file in files)
    assert {path for path in tmp_path.rglob("*") if out not in path.parents} == before


def test_a_service_that_is_not_ready_says_what_to_mend(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MMFARM_BROKER", "redis://user:secret@127.0.0.1:1/0")
    assert cli.main(["farm", "doctor"]) == 3
    assert "NOT READY" in capsys.readouterr().out
    assert cli.main(["farm", "worker", "--check"]) == 3
    said = capsys.readouterr().err
    assert "broker: redis://user:***@127.0.0.1:1/0" in said
    assert "start Redis there" in said
    assert "secret" not in said


def test_a_setting_may_come_from_a_file_and_must_be_there(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MMFARM_DATABASE_FILE", str(tmp_path / "none"))
    assert cli.main(["farm", "status"]) == 2
    assert "MMFARM_DATABASE_FILE" in capsys.readouterr().err
    (tmp_path / "url").write_text(f"{database_url(tmp_path / 'data', {})}\n")
    monkeypatch.setenv("MMFARM_DATABASE_FILE", str(tmp_path / "url"))
    assert cli.main(["farm", "status"]) == 0


def test_a_driver_that_is_missing_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MMFARM_DATABASE", "postgresql+no_such_driver://h/x")
    assert cli.main(["farm", "worker", "--check"]) == 3
    assert capsys.readouterr().err.count("store:") == 1


def test_a_state_file_of_a_process_that_ended_means_nothing_runs(tmp_path: Path) -> None:
    place = tmp_path / supervisor.FOLDER
    place.mkdir()
    for content in ("", "{}", '{"pid": "x"}', '{"pid": 0}', f'{{"pid": {os.getpid()}}}'):
        (place / supervisor.STATE).write_text(content)
        assert supervisor.running(tmp_path) is None
