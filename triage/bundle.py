# SPDX-License-Identifier: MIT
"""One file with a failing scenario and all that is known of it, to be replayed on another machine.

Contract: a bundle is a JSON document as docs/schemas/bundle.json describes it; every verb that
takes a scenario takes a bundle. It carries text alone and no code: who replays it runs the model
that is installed. On the same build of the model the digest must be the same, and anything else is
an error of mmfarm; on another one digests are not compared, only what is broken.
"""

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from corpus.text import dump, parse
from simulator.build import build_id
from simulator.outcome import Outcome
from simulator.scenario import Scenario
from triage.checkout import commit
from triage.exits import Refused
from triage.explain import Explanation, to_text

FORMAT: Final = "mmfarm bundle"
VERSION: Final = 1
MAX_BYTES: Final = 16 << 20  # a certificate of thousands of tries is some MB


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was said where it was made. `signature` is empty for a scenario that passes."""

    scenario: Scenario
    build_id: str
    commit: str
    signature: str
    digest: str


def make(
    explanation: Explanation,
    name: str,
    certificate: dict[str, Any] | None,
    kernels: list[dict[str, Any]],
) -> dict[str, Any]:
    """The document. `kernels`: what real kernels have said."""
    violation, outcome = explanation.violation, explanation.outcome
    return {
        "format": FORMAT,
        "version": VERSION,
        "mmfarm": version("mmfarm"),
        "commit": commit(),
        "build_id": build_id(),
        "name": name,
        "scenario": dump(explanation.scenario),
        "signature": str(violation.signature),
        "promise": violation.promise,
        "digest": outcome.digest,
        "steps": outcome.steps,
        "results": outcome.results,
        "drawing": to_text(explanation),
        "certificate": certificate,
        "confirmed": kernels,
    }


def read(text: str, path: str) -> Bundle:
    """Refuses what is no bundle, or one of a newer mmfarm."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError
        if document["version"] > VERSION:
            raise Refused(f"{path}: a bundle of format {document['version']}: update mmfarm")
        said = [str(document[name]) for name in ("build_id", "commit", "signature", "digest")]
        scenario = str(document["scenario"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: neither a scenario nor a bundle of mmfarm's") from error
    return Bundle(parse(scenario, path), *said)


def compared(bundle: Bundle, outcome: Outcome) -> tuple[bool, str]:
    """Whether a replay is as the bundle says, and in words. Anything may be on another build,
    but on the same one digests are equal."""
    here = str(outcome.violation.signature) if outcome.violation else ""
    if bundle.build_id == build_id():
        same = bundle.digest == outcome.digest
        return same, (
            "the same model build, and the same digest"
            if same
            else f"the same model build but not digest {bundle.digest}: an error of mmfarm"
        )
    made = f"made on model {bundle.build_id[:12]}"
    if bundle.commit:
        made += f" (commit {bundle.commit[:12]})"
    told = "the same is broken" if here == bundle.signature else f"there it was {bundle.signature}"
    return True, f"{made}, this is {build_id()[:12]}: {told}; digests are of one build only"
