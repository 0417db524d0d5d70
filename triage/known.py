# SPDX-License-Identifier: MIT
"""Which historical bug a failure looks like.

Contract: compares a signature with the `# expect:` headers of `corpus/known-bugs/*.mm`; the
same signature first, then the same oracle and culprit. It is a hint for people: one bug shows
several signatures, and a new bug in a function may look like the old one. A bug that is not
disclosed is not named.
"""

from dataclasses import dataclass

from corpus.files import KNOWN_BUGS
from corpus.text import load
from simulator.bugs import BY_ID, Bug
from simulator.outcome import Signature


@dataclass(frozen=True, slots=True)
class Likeness:
    """A known bug, and whether the whole signature is the same."""

    bug: Bug
    exact: bool


def looks_like(signature: Signature) -> tuple[Likeness, ...]:
    """Known bugs whose scenario fails with this oracle and culprit, exact ones first."""
    found: list[Likeness] = []
    for path in sorted(KNOWN_BUGS.glob("*.mm")):
        known = load(path)
        for name, value in known.headers:
            words = value.split()
            if name != "expect" or words[:2] != [signature.oracle, signature.culprit]:
                continue
            found.extend(
                Likeness(BY_ID[bug], value.split() == str(signature).split())
                for bug in known.config.bugs
                if bug in BY_ID and not BY_ID[bug].undisclosed
            )
    return tuple(sorted(found, key=lambda like: (not like.exact, like.bug.id)))
