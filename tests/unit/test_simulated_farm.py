# SPDX-License-Identifier: MIT
"""The farm keeps its books whatever dies: 200 histories here, `make soak WHAT=farm` for more."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.simulated.farm import live, template
from workers import failures, ledger
from workers.store import Store

SEEDS = 200
PARTS = 8  # so that the parts run beside each other


@pytest.fixture(scope="module")
def empty() -> Iterator[sqlite3.Connection]:
    logging.getLogger("mmfarm").setLevel(logging.CRITICAL)  # faults are the point
    with template() as connection:
        yield connection
    logging.getLogger("mmfarm").setLevel(logging.NOTSET)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_or_done_twice_and_nothing_is_stuck(
    empty: sqlite3.Connection, tmp_path: Path, part: int
) -> None:
    wrong = {
        seed: lines
        for seed in range(1 + part, SEEDS + 1, PARTS)
        if (lines := live(seed, empty, tmp_path))
    }
    assert wrong == {}


# Mistakes somebody could make; the simulated farm has to notice each.


def _count_each_telling() -> Any:
    real = failures.record

    def record(*arguments: Any, **options: Any) -> Any:
        recorded = real(*arguments, **options)
        with_run = arguments[3] is not None
        if with_run:
            connection = arguments[0]
            connection.exec_driver_sql(
                f"UPDATE failure SET count = count + 1 WHERE id = {recorded.failure_id} "
                f"AND count < (SELECT count(*) FROM sighting) + 1"
            )
        return recorded

    return mock.patch.object(failures, "record", record)


def _every_result_counts() -> Any:
    def settle(connection: Any, mine: Any) -> bool:
        connection.exec_driver_sql(f"DELETE FROM job WHERE id = {mine.job_id}")
        return True

    return mock.patch.object(ledger, "settle", settle)


def _dead_leases_stay() -> Any:
    return mock.patch.object(ledger, "reap", return_value=[])


def _nothing_is_sent_again() -> Any:
    return mock.patch.object(ledger, "RESEND_SECONDS", 10**6)


def _errors_of_the_store_count_against_the_work() -> Any:
    return mock.patch.object(Store, "set_back", Store.died)


MISTAKES: dict[str, Callable[[], Any]] = {
    made.__name__: made
    for made in (
        _count_each_telling,
        _every_result_counts,
        _dead_leases_stay,
        _nothing_is_sent_again,
        _errors_of_the_store_count_against_the_work,
    )
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(empty: sqlite3.Connection, tmp_path: Path, mistake: str) -> None:
    with MISTAKES[mistake]():
        assert any(live(seed, empty, tmp_path) for seed in range(1, 41)), mistake
