# SPDX-License-Identifier: MIT
"""What a person shall hear of reaches journal, command and webhook: once, and in the end."""

import http.server
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from simulator.outcome import Signature
from tests.farming import BUILD, ManualClock, finding, leased, outcome, text_of
from workers import notices
from workers.database import file_url
from workers.messenger import Messenger
from workers.records import RunFigures
from workers.schema import FUZZ, QUEUE_FUZZ, VERIFY
from workers.settings import SettingsError
from workers.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with closing(Store.open(file_url(tmp_path / "mmfarm.db"), clock)) as opened:
        yield opened


def script(folder: Path, body: str) -> str:
    path = folder / "notify.sh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_find_is_told_when_it_is_verified_and_only_once(store: Store) -> None:
    store.record(finding())
    assert store.notices(9) == []
    store.verified(leased(store, VERIFY, 1), finding().text, BUILD, outcome(), "")
    store.record(finding(3))
    (notice,) = store.notices(9)
    assert (notice.kind, notice.subject) == (notices.FINDING, "F1")
    assert "mmfarm triage show 1" in notice.text


def test_replays_that_disagree_and_runs_that_do_not_repeat_are_told(store: Store) -> None:
    store.record(finding())
    store.unreproducible(leased(store, VERIFY, 1), "digests differ: a, b")
    run_id = store.create_run({"seconds": 5.0, "bugs": [], "seed": None}, QUEUE_FUZZ)
    error = {"kind": "nondeterminism", "detail": "clean, then leak x page", "count": 1, "text": ""}
    figures = RunFigures("error", statistics={"internal_errors": [error]})
    store.end_run(leased(store, FUZZ, run_id), figures)
    told = {(each.kind, each.subject) for each in store.notices(9)}
    assert told == {(notices.NONDETERMINISM, "F1"), (notices.NONDETERMINISM, f"R{run_id}")}
    assert store.figures().decisions["nondeterminism"] == 1


def test_work_that_is_held_is_told(store: Store) -> None:
    store.record(finding())
    for _ in range(3):
        store.died(leased(store, VERIFY, 1), "the child ended with -11")
    (notice,) = store.notices(9)
    assert (notice.kind, notice.subject) == (notices.QUARANTINE, "F1")


def test_the_journal_and_the_command_get_each_once(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    got = tmp_path / "got"
    environ = {
        "MMFARM_NOTICE_COMMAND": script(tmp_path, f"cat >> {got}; echo >> {got}; env >> {got}.env"),
        "PATH": "/usr/bin:/bin",
        "MMFARM_DATABASE": "postgresql://u:secret@db/x",
    }
    messenger = Messenger(store, environ)
    store.notice(notices.DISK, "h 2026-01-01", "3 MiB are free")
    store.notice(notices.DISK, "h 2026-01-01", "2 MiB are free")
    with caplog.at_level(logging.WARNING, "mmfarm.notice"):
        assert messenger.send_due() == 1
        assert messenger.send_due() == 0
    assert [json.loads(line) for line in got.read_text().splitlines()] == [
        {
            "id": 1,
            "kind": "disk",
            "subject": "h 2026-01-01",
            "text": "3 MiB are free",
            "created_at": "2026-01-01T00:00:00+00:00",
        }
    ]
    assert caplog.messages == ["disk h 2026-01-01: 3 MiB are free"]
    assert "secret" not in Path(f"{got}.env").read_text()


def test_what_fails_is_tried_again_later_each_time_and_given_up_in_the_end(
    store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    messenger = Messenger(
        store, {"MMFARM_NOTICE_COMMAND": script(tmp_path, "cat >&2; exit 7"), "PATH": "/bin"}
    )
    store.notice(notices.DISK, "h", "full")
    tried: list[int] = []  # the minutes in which it was
    for minute in range(24 * 60):
        if minute < 5 or minute % 10 == 0:
            messenger.send_due()
        if store.notices(1)[0].tries > len(tried):
            tried.append(minute)
        if len(tried) == notices.MAX_TRIES:
            break
        clock.advance(60)
    assert tried[:3] == [0, 1, 2], "soon at first"
    assert tried[-1] > 400, "it may be a night until somebody looks"
    clock.advance(10**6)
    assert messenger.send_due() == 0
    (row,) = store.notices(9)
    assert (row.tries, row.sent_at) == (notices.MAX_TRIES, None)
    assert "ended with 7" in row.error
    assert store.figures().unsent == 1


def test_a_webhook_gets_json_and_its_address_is_told_to_nobody(
    store: Store, clock: ManualClock
) -> None:
    got, codes = [], iter([500, 200])

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(next(codes))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/token-1234"
        messenger = Messenger(store, {"MMFARM_NOTICE_URL": url})
        store.notice(notices.CANARY, "T1", "missed")
        assert messenger.send_due() == 0
        (row,) = store.notices(9)
        assert row.error == "webhook: HTTP 500"
        clock.advance(60)
        assert messenger.send_due() == 1
        server.shutdown()
    assert [each["text"] for each in got] == ["missed", "missed"]
    store.notice(notices.CANARY, "T2", "missed")
    assert messenger.send_due() == 0
    assert "token" not in store.notices(1)[0].error


def test_an_address_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(SettingsError, match="not an http"):
        Messenger(store, {"MMFARM_NOTICE_URL": "ftp://x"})


def test_a_canarys_failure_is_no_news(store: Store) -> None:
    store.record(finding(4, Signature("leak", "f", "page")))
    with store._write() as (connection, _):
        connection.exec_driver_sql("UPDATE failure SET canary = 1")
    store.verified(leased(store, VERIFY, 1), text_of(4), BUILD, outcome(), "")
    assert store.notices(9) == []
