# SPDX-License-Identifier: MIT
"""What a worker needs before it takes its first job, each with the remedy.

Contract: a check that fails says in one sentence what to mend. `store_of` and `checked` are what
every service begins with; `mmfarm farm doctor` shows all of them.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import redis

from simulator import build
from workers import settings
from workers.errors import InfraError
from workers.store import Store

# A slice keeps some megabytes; with less a worker would only produce errors.
MIN_FREE_MIB: Final = 64
SERVER_SECONDS: Final = 5.0


class NotReady(InfraError):
    """A service cannot start here; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` is what was found, or what is wrong and what to do about it."""

    name: str
    ok: bool
    detail: str


def checks(folder: Path, *, broker: bool = True) -> Iterator[Check]:
    """All checks of this machine and this user."""
    yield _check("store", lambda: _store(folder))
    if broker:
        yield _check("broker", lambda: _broker(settings.broker_url()))
    yield _check("data folder", lambda: _disk(folder))
    yield _check("model", _model)
    yield _check("engine", _engine)


def refuse_unready(folder: Path, *, broker: bool = True) -> None:
    """Raises NotReady with everything that is wrong."""
    wrong = [f"{c.name}: {c.detail}" for c in checks(folder, broker=broker) if not c.ok]
    if wrong:
        raise NotReady("; ".join(wrong))


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{place}"))


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (InfraError, OSError, settings.SettingsError, build.ModelError) as error:
        return Check(name, False, str(error))


def _store(folder: Path) -> str:
    store = Store.open(settings.database_url(folder))
    try:
        return f"{store.where}, farm {store.farm().farm_id}"
    finally:
        store.close()


def _broker(url: str) -> str:
    where = without_password(url)
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=SERVER_SECONDS, socket_connect_timeout=SERVER_SECONDS
        )
    except ValueError as error:
        raise NotReady(
            f"{where}: {error}; MMFARM_BROKER is a URL like {settings.LOCAL_BROKER}"
        ) from error
    with client:
        try:
            client.ping()
        except redis.AuthenticationError as error:
            raise NotReady(
                f"{where}: {error}; put user and password into MMFARM_BROKER_FILE"
            ) from error
        except redis.RedisError as error:
            raise NotReady(
                f"{where}: {error}; start Redis there (`mmfarm farm up` does) or set MMFARM_BROKER"
            ) from error
    return where


def _disk(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise NotReady(
            f"{folder}: {error.strerror or error}; name a folder of yours with MMFARM_DATA"
        ) from error
    free = shutil.disk_usage(folder).free >> 20
    if free < MIN_FREE_MIB:
        raise NotReady(
            f"{folder}: {free} MiB are free, {MIN_FREE_MIB} are needed; make room or "
            "name another folder with MMFARM_DATA"
        )
    return f"{folder}, {free} MiB free"


def _model() -> str:
    return f"{build.mode()}, build {build.build_id()[:12]}"


def _engine() -> str:
    return "Atheris" if find_spec("atheris") is not None else "plain: Atheris is not installed"
