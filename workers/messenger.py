# SPDX-License-Identifier: MIT
"""Sends notices to the journal and to a command or a webhook of the operator's.

Contract: `run` is the life of a thread of the scheduler's: it takes what is due from the store and
never holds anybody up. A notice goes to the journal with its first try. With MMFARM_NOTICE_COMMAND
that program is started, without a shell, with the notice as JSON on its standard input; with
MMFARM_NOTICE_URL (or _FILE) the JSON is posted there. Whatever fails is tried again later
(`workers.notices`); the name and the environment of the store or the broker are not in it.

Each is sent once, and twice if this dies between sending and noting it: `id` tells.
"""

import json
import logging
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

from workers import settings
from workers.errors import InfraError
from workers.records import NoticeRow
from workers.store import Store

PAUSE_SECONDS: Final = 5.0
AT_ONCE: Final = 20
SEND_SECONDS: Final = 15.0
# A command of the operator's: what it needs to start, and none of our credentials.
_INHERITED: Final = ("PATH", "HOME", "LANG", "USER", "LOGNAME", "TZ")

log: Final = logging.getLogger("mmfarm.notice")


class Messenger:
    """`environ` says where notices go besides the journal. Raises SettingsError."""

    def __init__(self, store: Store, environ: Mapping[str, str] = os.environ) -> None:
        self._store = store
        self._command = shlex.split(environ.get("MMFARM_NOTICE_COMMAND", ""))
        self._url = settings.notice_url(environ)
        self._environment = {name: environ[name] for name in _INHERITED if name in environ}

    def run(self, stop: Callable[[float], bool]) -> None:
        """Send until `stop`, which waits so many seconds, says so."""
        while True:
            try:
                self.send_due()
            except InfraError as error:
                log.warning("notices wait: %s", error)
            if stop(PAUSE_SECONDS):
                return

    def send_due(self) -> int:
        """Returns how many were sent. Raises StoreDown."""
        count = 0
        for notice in self._store.due_notices(AT_ONCE):
            error = self._send(notice)
            self._store.notice_sent(notice.id, error)
            count += not error
        return count

    def _send(self, notice: NoticeRow) -> str:
        """Returns what went wrong."""
        if notice.tries == 1:
            log.warning("%s %s: %s", notice.kind, notice.subject, notice.text)
        said = asdict(notice) | {"created_at": notice.created_at.isoformat()}
        for name in ("tries", "sent_at", "error"):
            del said[name]
        body = json.dumps(said).encode()
        errors = [
            how(body)
            for how, wanted in ((self._run_command, self._command), (self._post, self._url))
            if wanted
        ]
        error = "; ".join(each for each in errors if each)
        if error:
            log.warning("notice %d is sent again later: %s", notice.id, error)
        return error

    def _run_command(self, body: bytes) -> str:
        try:
            done = subprocess.run(
                self._command,
                input=body,
                env=self._environment,
                timeout=SEND_SECONDS,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{self._command[0]}: {error}"
        if done.returncode == 0:
            return ""
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        return f"{self._command[0]}: ended with {done.returncode}: {last}"

    def _post(self, body: bytes) -> str:
        """The address may hold a secret: it is not named."""
        request = urllib.request.Request(
            self._url, body, {"Content-Type": "application/json", "User-Agent": "mmfarm"}
        )
        try:
            with urllib.request.urlopen(request, timeout=SEND_SECONDS) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            return f"webhook: HTTP {error.code}"
        except (OSError, ValueError) as error:
            return f"webhook: {type(error).__name__}"
        return ""
