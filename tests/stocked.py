# SPDX-License-Identifier: MIT
"""A store with something to see in it: failures of known bugs that the model really has, and as
many made-up ones beside them as are asked for."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy import insert

from corpus.files import KNOWN_BUGS
from corpus.text import dump, load
from fuzz import maps
from fuzz.findings import Finding
from simulator.build import build_id
from simulator.oracles import NAMES
from simulator.run import Machine
from tests.farming import START, leased
from workers import ledger
from workers.entries import Made, bare
from workers.records import RunFigures
from workers.schema import (
    FAILURE_STATES,
    FOUND,
    FUZZ,
    FUZZING,
    MINIMIZE,
    QUEUE_LOCAL,
    VERIFY,
    Example,
    Failure,
    Scenario,
)
from workers.store import Store

AT_ONCE = 1000  # rows of one statement


def known_bugs(store: Store, paths: Sequence[Path] | None = None) -> list[int]:
    """File what known bugs of the collection show, up to the minimal scenario. Returns the
    failures' numbers."""
    machine = Machine()
    numbers = []
    for path in paths or sorted(KNOWN_BUGS.glob("*.mm")):
        scenario = load(path)
        outcome = machine.run(scenario)
        violation = outcome.violation
        if violation is None:
            continue
        text = dump(scenario)
        signature = violation.signature
        number = store.record(
            Finding(
                signature.oracle,
                signature.culprit,
                signature.object_class,
                violation.promise,
                text,
                outcome.digest,
                build_id(),
                outcome.steps,
                "farm",
            )
        ).failure_id
        if store.job_of(VERIFY, number) is None:
            continue  # another bug has shown the same signature
        store.verified(leased(store, VERIFY, number), text, build_id(), outcome, "")
        bugs = scenario.config.bugs
        store.minimized(
            leased(store, MINIMIZE, number), text, build_id(), outcome, {}, "", (), bugs
        )
        numbers.append(number)
    return numbers


def work(store: Store, runs: int) -> None:
    """Slices that ended, one that goes on, who works, campaigns, corpus entries, decisions."""
    store.add_campaign(name="mended", kind=FUZZING, weight=1.0, slice_seconds=60.0)
    store.look_after()
    dice = Random(1)
    for number in range(runs):
        run = store.create_run({"seconds": 5.0, "bugs": [], "seed": number}, QUEUE_LOCAL)
        figures = RunFigures(
            "ok",
            executions=40_000 + dice.randrange(5000),
            steps=10**6,
            seconds=60.0,
            features=min(9000, 3000 + 200 * number),
            new_entries=dice.randrange(30),
            statistics={
                "sites_reached": 400,
                "sites_missed": ["migrate_vma_collect_pmd:ptl_dropped", "expand_stack:lock"],
                "sites_preempted": ["zap_pte_range:lock"],
            },
        )
        store.end_run(leased(store, FUZZ, run), figures)
    store.create_run({"seconds": 5.0, "bugs": [], "seed": 0}, QUEUE_LOCAL)
    store.here(
        name="host-1:4711",
        host="host-1",
        queues=("fuzz", "triage"),
        number=2,
        busy=1,
        build_id=build_id(),
        note="",
    )
    scenarios = [bare(load(path)) for path in sorted(KNOWN_BUGS.glob("*.mm"))]
    made = [Made(text, maps.to_map(1 << i, 64)) for i, text in enumerate(scenarios)]
    store.push("", build_id(), None, made)
    with store._write() as (connection, now):
        ledger.decide(connection, now, "R1", "rest", "the slice ended early")


def made_up(store: Store, count: int) -> None:
    """So many failures that nobody's model has, straight into the tables."""
    dice = Random(2)
    text = bare(load(min(KNOWN_BUGS.glob("*.mm"))))
    with store._write() as (connection, _):
        connection.execute(
            insert(Scenario).values(
                sha256="0" * 64, text=text, ops=4, directives=1, first_seen=START
            )
        )
        first = 1_000_000  # above the real ones
        for at in range(0, count, AT_ONCE):
            ids = range(first + at, first + min(at + AT_ONCE, count))
            connection.execute(
                insert(Failure),
                [
                    {
                        "id": number,
                        "oracle": dice.choice(NAMES),
                        "culprit": f"function_{number}",
                        "object_class": "anon",
                        "promise": f"promise {number} was broken",
                        "count": dice.randrange(1, 10**6),
                        "first_seen": START,
                        "last_seen": START + timedelta(seconds=dice.randrange(10**7)),
                        "state": dice.choice(FAILURE_STATES),
                        "note": "",
                    }
                    for number in ids
                ],
            )
            connection.execute(
                insert(Example),
                [
                    {
                        "failure_id": number,
                        "scenario_sha256": "0" * 64,
                        "role": FOUND,
                        "origin": "farm",
                        "build_id": "0" * 64,
                        "digest": "0" * 16,
                        "steps": 1,
                    }
                    for number in ids
                ],
            )
