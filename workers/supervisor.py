# SPDX-License-Identifier: MIT
"""A whole farm on one machine: what `mmfarm farm up` starts, watches and ends.

Contract: `supervise` runs a broker (unless one is named), a scheduler and a worker as processes
of their own until it is told to go, and starts again whatever ends or does nothing: a worker
that has not been heard of in the store for SILENT_SECONDS is killed first. `state.json` in the
farm's folder says what runs and where, and is there while it does. Credentials of its own broker
are in a file that only this user reads.

It is no substitute for a service manager on machines that are to be left alone: deploy/ has
units for those.
"""

import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from fuzz.findings import write_atomically
from workers import servers, settings
from workers.errors import InfraError
from workers.store import Store

FOLDER: Final = "farm"
STATE: Final = "state.json"
POLL_SECONDS: Final = 0.5
SILENT_SECONDS: Final = 45.0
END_SECONDS: Final = 20.0  # a worker ends in 10
MAX_BACK_OFF_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0  # who ran that long is started again at once

log: Final = logging.getLogger("mmfarm.farm")


@dataclass
class Part:
    """A process that shall run."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    back_off: float = 1.0
    starts: int = 0

    def start(self, now: float) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.started = now
        self.starts += 1
        log.info("%s: started as %d", self.name, self.process.pid)

    def watch(self, now: float) -> None:
        """Start it again when it has ended, a little later each time that it ends at once."""
        if self.process is not None and self.process.poll() is not None:
            code = self.process.returncode
            self.process = None
            self.back_off = (
                1.0
                if now - self.started > STEADY_SECONDS
                else min(2 * self.back_off, MAX_BACK_OFF_SECONDS)
            )
            self.not_before = now + self.back_off
            log.warning(
                "%s: ended with %d; starts again in %.0f s, its log is %s",
                self.name,
                code,
                self.back_off,
                self.log,
            )
        if self.process is None and now >= self.not_before:
            self.start(now)


@dataclass
class Supervisor:
    """The parts, in the order in which they start."""

    folder: Path
    parts: list[Part] = field(default_factory=list)
    broker: str = ""  # without a password
    _silent: dict[int, float] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        return self.folder / FOLDER

    def set_up(self, slots: int) -> None:
        """Decide what runs. Raises InfraError."""
        self.place.mkdir(parents=True, exist_ok=True)
        environment = dict(os.environ) | {"MMFARM_DATA": str(self.folder)}
        if not settings.names_broker():
            environment["MMFARM_BROKER_FILE"] = str(self._own_broker())
        python = [sys.executable, "-P", "-m", "triage", "farm"]
        for name, arguments in (
            ("scheduler", ["scheduler"]),
            ("worker", ["worker", "--slots", str(slots)]),
        ):
            self.parts.append(
                Part(name, python + arguments, environment, self.place / f"{name}.log")
            )
        self.broker = settings.broker_url(environment).rpartition("@")[2]

    def _own_broker(self) -> Path:
        port, password = servers.free_port(), secrets.token_hex(16)
        config, url = self.place / "redis.conf", self.place / "broker.url"
        for path, content in (
            (config, servers.redis_config(self.place, port, password)),
            (url, f"redis://:{password}@127.0.0.1:{port}/0\n"),
        ):
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as f:
                f.write(content)
        self.parts.append(
            Part(
                "broker",
                [servers.redis_binary(), str(config)],
                {"PATH": os.defpath},
                self.place / "broker.log",
            )
        )
        return url

    def run(self, end: threading.Event) -> None:
        """Watch until told to go."""
        store = Store.open(settings.database_url(self.folder))
        told: dict[str, Any] = {}
        try:
            while not end.wait(POLL_SECONDS):
                now = time.monotonic()
                for part in self.parts:
                    part.watch(now)
                with contextlib.suppress(InfraError):
                    self._end_silent(store, now)
                if told != (said := self._said()):
                    told = said
                    write_atomically(
                        self.place / STATE, json.dumps(said, indent=2).encode(), sync=False
                    )
        finally:
            self._stop()
            (self.place / STATE).unlink(missing_ok=True)
            store.close()

    def _end_silent(self, store: Store, now: float) -> None:
        """Kill a worker that runs and is not heard of: it will be started again."""
        for part in self.parts:
            if part.name != "worker" or part.process is None:
                continue
            pid = part.process.pid
            heard = any(row.name.endswith(f":{pid}") for row in store.heard(SILENT_SECONDS))
            since = self._silent.setdefault(pid, now)
            if heard:
                self._silent[pid] = now
            elif now - since > SILENT_SECONDS:
                log.error("%s: %d is not heard of for %.0f s; killed", part.name, pid, now - since)
                part.process.kill()

    def _said(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "broker": self.broker,
            "data": str(self.folder),
            "parts": [
                {
                    "name": part.name,
                    "pid": part.process.pid if part.process else None,
                    "log": str(part.log),
                    "starts": part.starts,
                }
                for part in self.parts
            ],
        }

    def _stop(self) -> None:
        """The worker first: it has something to record."""
        for part in reversed(self.parts):
            if part.process is None:
                continue
            part.process.terminate()
            try:
                part.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                log.error("%s: did not end; killed", part.name)
                part.process.kill()
                part.process.wait()


def supervise(folder: Path, slots: int) -> None:
    """Run the farm of a data folder until SIGTERM or SIGINT."""
    end = threading.Event()

    def go(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, go)
    supervisor = Supervisor(folder)
    supervisor.set_up(slots)
    supervisor.run(end)


def running(folder: Path) -> dict[str, Any] | None:
    """What `state.json` says, if its process still runs."""
    try:
        said: dict[str, Any] = json.loads((folder / FOLDER / STATE).read_bytes())
        command = Path(f"/proc/{int(said['pid'])}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return said if b"farm" in command.split(b"\0") else None
