# SPDX-License-Identifier: MIT
"""Settings of the Celery app, and what it takes for a message."""

import inspect
from typing import Any

import kombu.transport.redis
import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES, flatten
from celery.exceptions import QueueNotFound
from kombu import Connection, Queue

from workers import messages
from workers.app import make_app, serve
from workers.messages import MessageError, Work
from workers.schema import BROKER_QUEUES

FARM = "f" * 32


@pytest.fixture
def app() -> Celery:
    return make_app("memory://", FARM)


def test_every_setting_is_one_that_celery_and_kombu_know(app: Celery) -> None:
    """Both ignore misspelt ones in silence."""
    known = {name for name, _ in flatten(NAMESPACES)} | {"deprecated_settings"}
    assert set(app.conf.changes) - known == set()
    transport = inspect.getsource(kombu.transport.redis)
    for name in app.conf.broker_transport_options:
        assert f'"{name}"' in transport or f"'{name}'" in transport


def test_farms_that_share_a_broker_share_no_key(app: Celery) -> None:
    prefixes = {
        made.conf.broker_transport_options["global_keyprefix"]
        for made in (app, make_app("memory://", "e" * 32))
    }
    assert prefixes == {f"mmfarm:{FARM}:", f"mmfarm:{'e' * 32}:"}


def test_nobody_can_stop_or_ask_a_worker_through_the_broker(app: Celery) -> None:
    assert app.conf.worker_enable_remote_control is False
    assert app.conf.worker_send_task_events is False


def test_a_queue_that_nobody_serves_is_refused(app: Celery) -> None:
    for queue in BROKER_QUEUES:
        assert app.amqp.router.route({"queue": queue}, messages.WORK)["queue"].name == queue
    with pytest.raises(QueueNotFound):
        app.amqp.router.route({"queue": "misspelt"}, messages.WORK)


def test_the_only_task_is_ours(app: Celery) -> None:
    """Celery's own ones call any task with any arguments."""
    serve(app, FARM, lambda work: None, lambda why: None)
    assert list(app.tasks) == [messages.WORK]


def test_messages_that_are_not_json_are_refused(app: Celery) -> None:
    """A pickle could run code in whoever reads it."""
    with Connection("memory://") as connection:
        queue = Queue("q")(connection.default_channel)
        queue.declare()
        connection.Producer().publish({}, routing_key="q", serializer="pickle")
        message = queue.get(accept=app.conf.accept_content)
        assert message is not None
        with pytest.raises(Exception, match="untrusted content of type pickle"):
            message.decode()


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (("../../../victim",), {}),
        ((1,), {"farm": FARM, "job": 1}),
        ((), {"farm": FARM, "job": "../../../victim"}),
        ((), {"farm": FARM, "job": "1"}),
        ((), {"farm": FARM, "job": True}),
        ((), {"farm": FARM, "job": 1.0}),
        ((), {"farm": FARM, "job": 0}),
        ((), {"farm": FARM, "job": -1}),
        ((), {"farm": FARM, "job": 2**31}),
        ((), {"farm": FARM, "job": None}),
        ((), {"farm": FARM, "job": [1]}),
        ((), {"farm": "e" * 32, "job": 1}),
        ((), {"farm": FARM, "job": 1, "folder": "/"}),
        ((), {"farm": FARM}),
    ],
)
def test_what_is_no_message_of_this_farm_is_refused(
    app: Celery, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    done: list[Work] = []
    refused: list[str] = []
    serve(app, FARM, done.append, refused.append)
    app.tasks[messages.WORK](*args, **kwargs)
    assert (done, len(refused)) == ([], 1)
    with pytest.raises(MessageError):
        messages.read(FARM, args, kwargs)


def test_a_message_says_which_job_of_which_farm(app: Celery) -> None:
    done: list[Work] = []
    serve(app, FARM, done.append, pytest.fail)
    app.tasks[messages.WORK](**Work(FARM, 17).body())
    assert done == [Work(FARM, 17)]
