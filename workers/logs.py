# SPDX-License-Identifier: MIT
"""Logs of services: what is done, one event a line, on stderr.

Contract: a JSON object a line where no person watches (`at`, `level`, `from`, `event`, and
`error` with a traceback), plain lines on a terminal. The default level tells what a worker does
with each job, and all that goes wrong.
"""

import json
import logging
import sys
from datetime import UTC, datetime


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(level: str = "INFO") -> None:
    """For the whole process; libraries are heard from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
        if sys.stderr.isatty()
        else _Json()
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("mmfarm").setLevel(level)
