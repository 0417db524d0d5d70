# SPDX-License-Identifier: MIT
"""The Celery app: how work travels between machines. Truth does not; it is in the store.

Contract: messages are JSON and carry ids only. Two queues: `fuzz` for slices, `triage` for
verify and minimize. Delivery is at least once; `workers.jobs` makes it count once. Start
workers with

    celery -A workers.app worker -Q fuzz,triage

It does not promise that a message survives the broker; Redis needs `appendonly yes` and
`maxmemory-policy noeviction` for that (deploy/).
"""

from collections.abc import Callable
from typing import Any, Final

from celery import Celery

from workers import settings
from workers.jobs import MAX_SLICE_SECONDS

FUZZ: Final = "fuzz"
TRIAGE: Final = "triage"

# The supervisor of a slice ends it 25 s after its time, a minimizing child after 180 s; the
# limits here are for the case that those fail, and must lie well above both.
SOFT_LIMIT_SECONDS: Final = 2 * MAX_SLICE_SECONDS + 60
HARD_LIMIT_SECONDS: Final = SOFT_LIMIT_SECONDS + 60
# Redis hands a message to a second worker after this time. While the first still works, both
# would; so it is far beyond the hard limit.
VISIBILITY_SECONDS: Final = 10 * MAX_SLICE_SECONDS

app = Celery("mmfarm", broker=settings.broker_url(), include=["workers.tasks"])
app.conf.update(
    # A message is acknowledged when its work is committed: a dead worker loses no slice.
    task_acks_late=True,
    # Also not when only its child was killed. By itself this would redeliver a deadly task for
    # ever, some 15 times a second; the ledger in the store stops after MAX_ATTEMPTS.
    task_reject_on_worker_lost=True,
    # What failed or ran out of time is recorded in the store; the broker shall not repeat it.
    task_acks_on_failure=True,
    task_acks_on_timeout=True,
    # Tasks take minutes: one that waits behind another in the same worker could run elsewhere.
    worker_prefetch_multiplier=1,
    task_time_limit=HARD_LIMIT_SECONDS,
    task_soft_time_limit=SOFT_LIMIT_SECONDS,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        # How often Redis' unacknowledged messages are looked through. The default is every
        # 100 s, by which the work of a dead host waits longer than its time-out.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Several farms, and other people's data, may live on one server.
        "global_keyprefix": "mmfarm:",
        # A server that vanished without a word is noticed within half a minute.
        "socket_timeout": 30,
        "socket_connect_timeout": 10,
        "health_check_interval": 25,
        "retry_on_timeout": True,
    },
    # Workers outlive a restart of the broker, and may be started before it.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # After a lost connection the broker gives our messages to others: stop, do not do it twice.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    # Memory that leaks in a child ends with the child. The second is checked between tasks.
    worker_max_tasks_per_child=50,
    worker_max_memory_per_child=400_000,  # KiB
    # A worker that is told to go gives a running slice this long; the rest is redelivered.
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=True,
    # Results are rows of the store. There is no result backend.
    task_ignore_result=True,
    task_track_started=False,
    # Nothing that can run code when it is read.
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    event_serializer="json",
    # A misspelt queue is an error, not a queue that nobody works on.
    task_create_missing_queues=False,
    task_queues={FUZZ: {}, TRIAGE: {}},
    task_default_queue=FUZZ,
    task_routes={
        "workers.tasks.fuzz_slice": {"queue": FUZZ},
        "workers.tasks.verify": {"queue": TRIAGE},
        "workers.tasks.minimize": {"queue": TRIAGE},
    },
    # For monitors: who does what, and how long work waits.
    worker_send_task_events=True,
    task_send_sent_event=True,
)


def task(name: str, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """`app.task` with a type. A task is sent with `.delay(id)`."""
    made: Callable[[Callable[..., None]], Any] = app.task(
        name=f"workers.tasks.{name}", **options
    )
    return made
