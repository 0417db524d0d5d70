# SPDX-License-Identifier: MIT
"""Where this process finds its store and its broker.

Contract: the only place that reads the farm's environment variables. Without any of them all
is on this machine: a SQLite file in the data folder, a Redis server on its usual port. Each may
be given as a file instead, whose first line is the URL: no credential stands in the environment
or on a command line then.

    MMFARM_DATABASE   URL of the store, e.g. postgresql+psycopg://mmfarm@db/mmfarm
    MMFARM_BROKER     URL of the broker, e.g. rediss://mmfarm:password@broker:6379/0
    MMFARM_DATABASE_FILE, MMFARM_BROKER_FILE   files that hold them
    MMFARM_NOTICE_COMMAND, MMFARM_NOTICE_URL, MMFARM_NOTICE_URL_FILE   see workers/messenger.py
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DATABASE_FILE: Final = "mmfarm.db"
LOCAL_BROKER: Final = "redis://127.0.0.1:6379/0"


class SettingsError(Exception):
    """A setting cannot be used; the message says which, and what to do."""


def database_url(folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of the store of a data folder, which the environment can move elsewhere."""
    return _setting("MMFARM_DATABASE", environ) or f"sqlite:///{folder / DATABASE_FILE}"


def broker_url(environ: Mapping[str, str] = os.environ) -> str:
    return _setting("MMFARM_BROKER", environ) or LOCAL_BROKER


def names_broker(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody named a broker."""
    return bool(_setting("MMFARM_BROKER", environ))


def notice_url(environ: Mapping[str, str] = os.environ) -> str:
    """Where notices are posted; empty: nowhere."""
    url = _setting("MMFARM_NOTICE_URL", environ)
    if url and not url.startswith(("https://", "http://")):
        raise SettingsError("MMFARM_NOTICE_URL: not an http:// or https:// address")
    return url


def _setting(name: str, environ: Mapping[str, str]) -> str:
    file = environ.get(f"{name}_FILE", "")
    if not file:
        return environ.get(name, "")
    try:
        value = Path(file).read_text().partition("\n")[0].strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE={file}: {error.strerror or error}") from error
    if not value:
        raise SettingsError(f"{name}_FILE={file}: its first line is empty; write the URL there")
    return value
