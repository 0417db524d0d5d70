# SPDX-License-Identifier: MIT
"""What an operator's tools read: metrics from the store, health, readiness."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from tests.farming import SPEC, ManualClock, finding
from workers import metrics
from workers.database import file_url
from workers.errors import StoreDown
from workers.http import make_app
from workers.schema import QUEUE_FUZZ
from workers.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = Store.open(file_url(tmp_path / "mmfarm.sqlite"), clock)
    yield opened
    opened.close()


def scrape(store: Store) -> dict[tuple[str, tuple[str, ...]], float]:
    text = TestClient(make_app(store)).get("/metrics").text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_empty_farm_has_every_metric(store: Store) -> None:
    said = scrape(store)
    names = {metric.name for metric in metrics.metrics(store.figures())}
    assert ("mmfarm_executions_total", ()) in said
    assert ("mmfarm_failures", ("new",)) in said
    assert "mmfarm_decisions" in names


def test_what_is_owed_and_found_is_counted(store: Store, clock: ManualClock) -> None:
    store.create_run(SPEC, QUEUE_FUZZ)
    store.record(finding())
    store.here(name="w", host="h", queues=("fuzz",), number=4, busy=1, build_id="b", note="")
    clock.advance(7)
    said = scrape(store)
    assert said["mmfarm_jobs", ("fuzz", "ready")] == 1
    assert said["mmfarm_queue_age_seconds", ("fuzz",)] == 7
    assert said["mmfarm_failures", ("new",)] == 1
    assert (said["mmfarm_slots", ()], said["mmfarm_busy_slots", ()]) == (4, 1)
    assert said["mmfarm_oldest_beat_seconds", ()] == 7


def test_a_decision_of_the_farm_is_counted_by_its_reason(store: Store, clock: ManualClock) -> None:
    run = store.create_run(SPEC, QUEUE_FUZZ)
    job = store.job_of("fuzz", run)
    assert job is not None
    assert store.lease(job.id, "worker") is not None
    clock.advance(3600)
    store.reap()
    assert scrape(store)["mmfarm_decisions_total", ("lease-lost",)] == 1


def test_ready_is_who_reaches_the_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(make_app(store))
    assert client.get("/healthz").text == "ok\n"
    ready = client.get("/readyz")
    assert ready.json() == {"ready": True, "farm": store.farm().farm_id}
    assert ready.headers["x-content-type-options"] == "nosniff"

    def down() -> None:
        raise StoreDown("postgresql://db: connection refused")

    monkeypatch.setattr(store, "farm", down)
    monkeypatch.setattr(store, "figures", down)
    refused = client.get("/readyz")
    assert refused.status_code == 503
    assert "connection refused" in refused.json()["why"]
    assert client.get("/metrics").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_nothing_but_what_is_documented_is_served(store: Store) -> None:
    client = TestClient(make_app(store))
    for path in ("/docs", "/openapi.json", "/"):
        assert client.get(path).status_code == 404
    assert client.post("/metrics").status_code == 405
