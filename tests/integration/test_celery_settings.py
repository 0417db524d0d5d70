# SPDX-License-Identifier: MIT
"""Settings of the Celery app that hang together."""

import inspect

import kombu.transport.redis
import pytest
from celery.app.defaults import NAMESPACES, flatten
from celery.exceptions import QueueNotFound
from kombu import Connection, Queue

from fuzz.slice import END_GRACE_SECONDS, START_GRACE_SECONDS
from workers import app as farm
from workers import tasks
from workers.isolated import MINIMIZE_SECONDS, REPLAY_SECONDS
from workers.jobs import MAX_SLICE_SECONDS, REPLAYS


def test_no_message_is_given_to_a_second_worker_while_the_first_may_still_work() -> None:
    longest_slice = MAX_SLICE_SECONDS + START_GRACE_SECONDS + END_GRACE_SECONDS
    longest_minimize = MINIMIZE_SECONDS
    assert max(longest_slice, longest_minimize) < farm.SOFT_LIMIT_SECONDS
    assert REPLAYS * REPLAY_SECONDS < farm.SOFT_LIMIT_SECONDS
    assert farm.SOFT_LIMIT_SECONDS < farm.HARD_LIMIT_SECONDS
    assert 2 * farm.HARD_LIMIT_SECONDS < farm.VISIBILITY_SECONDS
    assert farm.app.conf.broker_transport_options["visibility_timeout"] == farm.VISIBILITY_SECONDS


def test_every_setting_is_one_that_celery_and_kombu_know() -> None:
    """Both ignore misspelt ones in silence."""
    known = {name for name, _ in flatten(NAMESPACES)} | {"deprecated_settings"}
    assert set(farm.app.conf.changes) - known == set()
    transport = inspect.getsource(kombu.transport.redis)
    for name in farm.app.conf.broker_transport_options:
        assert f'"{name}"' in transport or f"'{name}'" in transport


def test_every_task_has_a_queue_that_the_documented_worker_serves() -> None:
    for task in (tasks.fuzz_slice, tasks.verify, tasks.minimize):
        route = farm.app.amqp.router.route({}, task.name)
        assert route["queue"].name in (farm.FUZZ, farm.TRIAGE)


def test_a_queue_that_nobody_serves_is_refused() -> None:
    with pytest.raises(QueueNotFound):
        farm.app.amqp.router.route({"queue": "misspelt"}, tasks.verify.name)


def test_messages_that_are_not_json_are_refused() -> None:
    """A pickle could run code in whoever reads it."""
    with Connection("memory://") as connection:
        queue = Queue("q")(connection.default_channel)
        queue.declare()
        connection.Producer().publish({}, routing_key="q", serializer="pickle")
        message = queue.get(accept=farm.app.conf.accept_content)
        assert message is not None
        with pytest.raises(Exception, match="untrusted content of type pickle"):
            message.decode()
