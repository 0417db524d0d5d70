# SPDX-License-Identifier: MIT
"""Where this process finds its store and its broker.

Contract: the only place that reads the farm's environment variables. Without any of them all
is on this machine: a SQLite file in the data folder, a Redis server on its usual port.

    MMFARM_DATABASE   URL of the store, e.g. postgresql+psycopg://mmfarm@db/mmfarm
    MMFARM_BROKER     URL of the broker, e.g. rediss://:password@broker:6379/0
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DATABASE_FILE: Final = "mmfarm.db"
LOCAL_BROKER: Final = "redis://127.0.0.1:6379/0"


def database_url(folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of the store of a data folder, which the environment can move elsewhere."""
    return environ.get("MMFARM_DATABASE") or f"sqlite:///{folder / DATABASE_FILE}"


def broker_url(environ: Mapping[str, str] = os.environ) -> str:
    return environ.get("MMFARM_BROKER") or LOCAL_BROKER
