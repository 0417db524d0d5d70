# SPDX-License-Identifier: MIT
"""The exit codes, and the error of a user who can mend it.

Contract: verbs return OK, FINDING or SKIPPED and raise `Refused` for a wrong request;
`triage.cli` turns everything else into a code.
"""

import signal
from typing import IO, Any, Final

import click

OK: Final = 0
FINDING: Final = 1
USAGE: Final = 2
INFRASTRUCTURE: Final = 3
SKIPPED: Final = 4
INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM
PIPE_CLOSED: Final = 128 + signal.SIGPIPE  # what a shell reports for any C tool in `| head`


class Refused(click.ClickException):
    """The user asked for something that cannot be done; the message says what to do."""

    exit_code = USAGE

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"mmfarm: {self.format_message()}", file=file, err=True)
