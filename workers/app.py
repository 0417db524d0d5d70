# SPDX-License-Identifier: MIT
"""The Celery app: how workers hear of work. Truth does not travel; it is in the store.

Contract: `make_app` gives an app whose keys and messages carry the farm's id, for several farms
and other people share brokers. It knows one task, and nobody can stop, ask or reconfigure its
workers through the broker. A message is acknowledged when it is taken, for it is only a hint: the
job it names is owed by the store until its result is there, and the scheduler says so again.
So nothing hangs on what a broker keeps, and none of its time-outs matters.
"""

from collections.abc import Callable
from typing import Any, Final

from celery import Celery
from kombu.exceptions import OperationalError

from workers import messages
from workers.errors import InfraError
from workers.messages import Work
from workers.schema import BROKER_QUEUES, QUEUE_FUZZ

CONNECT_SECONDS: Final = 5


class BrokerDown(InfraError):
    """The broker did not take a message."""


def make_app(broker_url: str, farm_id: str) -> Celery:
    """An app for one farm. Opens no connection."""
    app = Celery("mmfarm", broker=broker_url, set_as_current=False)
    app.conf.update(
        # See above: a worker that dies has lost a hint.
        task_acks_late=False,
        # A message that waits in a worker could be taken by another one. On Redis kombu's counter
        # of prefetched messages drifts after days, so none are counted.
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        broker_transport_options={
            "global_keyprefix": f"mmfarm:{farm_id}:",
            # A server that vanished without a word is noticed within half a minute.
            "socket_timeout": 30,
            "socket_connect_timeout": CONNECT_SECONDS,
            "health_check_interval": 25,
            "retry_on_timeout": True,
        },
        # Workers outlive a restart of the broker, and may be started before it.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # What runs goes on without a broker: its result goes to the store.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Results are rows of the store. There is no result backend.
        task_ignore_result=True,
        # Nothing that can run code when it is read.
        accept_content=["json"],
        task_serializer="json",
        # A misspelt queue is an error, not a queue that nobody works on.
        task_create_missing_queues=False,
        task_queues={queue: {} for queue in BROKER_QUEUES},
        task_default_queue=QUEUE_FUZZ,
        # Whoever can write to the broker shall not stop workers or read their settings.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
        # Logs are ours.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def serve(
    app: Celery, farm_id: str, do: Callable[[Work], None], refuse: Callable[[str], None]
) -> None:
    """Make the app's one task call `do`, and `refuse` with a reason for what is no message."""

    def work(*args: Any, **kwargs: Any) -> None:
        try:
            message = messages.read(farm_id, args, kwargs)
        except messages.MessageError as error:
            refuse(str(error))
        else:
            do(message)

    app.task(name=messages.WORK, shared=False)(work)
    app.finalize()
    # Celery's own, which call others with arguments of the sender's choice.
    for name in [name for name in app.tasks if name != messages.WORK]:
        app.tasks.unregister(name)


def send(app: Celery, queue: str, work: Work) -> None:
    """Give a message to the broker. Raises BrokerDown."""
    try:
        app.send_task(messages.WORK, kwargs=work.body(), queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        raise BrokerDown(f"broker: {error}") from error
