# SPDX-License-Identifier: MIT
"""How work ends that has no result, told apart by whose fault it is.

Contract: `InfraError` says nothing about the work, which is tried again for as long as it takes;
`WorkDied` counts against it; `Stopped` is nobody's fault. Nothing else decides about attempts.
"""


class InfraError(Exception):
    """The work could not be done here and now: database, broker, disk, memory, a signal from
    outside. The message says what to mend."""


class StoreError(InfraError):
    """The store cannot be used; the message says what to do."""


class StoreDown(StoreError):
    """The store did not answer, or refused to write: it may the next time. A transaction that
    ended so may have been committed all the same."""


class SchemaMoved(StoreError):
    """The database has another schema by now than when it was opened."""


class WorkDied(Exception):
    """The process that did the work was brought down by it: a crash, a time-out, no memory."""


class Stopped(Exception):
    """Whoever asked has been told to stop. Not a failure of anything."""


def brief(error: BaseException) -> str:
    """An error in one line, for notes and logs."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
