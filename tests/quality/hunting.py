# SPDX-License-Identifier: MIT
"""Independent failures of a known bug, found in this process, and what they minimize to.

`python -m tests.quality.hunting BUG...` prints the table that the quality tests sample: how
many signatures a bug shows, and how many of ten failures end as the same text. `--cache DIR`
keeps the failures, which cost the most, for the next time.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corpus import text
from fuzz.engine import plain
from fuzz.findings import Finding
from fuzz.minimize import DEFAULT_BUDGET, Minimized, minimize
from fuzz.session import Session
from simulator.build import mode
from simulator.run import Machine

MAX_EXECUTIONS: Final = 500_000  # of a hunt: a minute or two


def hunt(bug: str, seed: int, executions: int = MAX_EXECUTIONS) -> Finding | None:
    """The first failure that a session with this seed finds from nothing, if any."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        session = Session(
            Machine,
            seed=seed,
            bugs=(bug,),
            seconds=float("inf"),
            executions=executions,
            work=work,
            engine=plain.NAME,
            mode=mode(),
            stop_at_first=True,
        )
        plain.run(session, seed=seed, rss_limit_mib=0)
        return next(iter(session.findings.values()), None)


def cached_hunt(bug: str, seed: int, cache: Path | None) -> Finding | None:
    """What a hunt finds, from the cache if it is there; an empty file: nothing was found."""
    if cache is None:
        return hunt(bug, seed)
    path = cache / bug / f"{seed:03}.json"
    if path.exists():
        kept = path.read_bytes()
        return Finding.from_json(kept) if kept else None
    finding = hunt(bug, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(finding.to_json() if finding else "")
    return finding


def minimized(finding: Finding, budget: int = DEFAULT_BUDGET) -> Minimized:
    """What a finding minimizes to."""
    return minimize(text.parse(finding.text), finding.signature, Machine(), budget)


@dataclass(frozen=True, slots=True)
class Forms:
    """The texts that failures with the most frequent signature end as, most frequent first."""

    signatures: Counter[str]
    texts: list[tuple[str, int]]
    seconds: list[float]
    executions: list[int]
    complete: bool


def forms(
    bug: str, failures: int, budget: int = DEFAULT_BUDGET, cache: Path | None = None
) -> Forms:
    """Minimize that many failures of the signature that comes up most often."""
    found: dict[str, list[Finding]] = {}
    seed = 0
    while max(map(len, found.values()), default=0) < failures:
        seed += 1
        finding = cached_hunt(bug, seed, cache)
        if finding is not None:
            found.setdefault(str(finding.signature), []).append(finding)
        elif seed >= 2 * failures:
            break
    signatures = Counter({name: len(each) for name, each in found.items()})
    if not signatures:
        return Forms(signatures, [], [], [], complete=False)
    texts: Counter[str] = Counter()
    seconds = []
    executions = []
    complete = True
    for finding in found[signatures.most_common(1)[0][0]]:
        began = time.process_time()
        small = minimized(finding, budget)
        seconds.append(time.process_time() - began)
        executions.append(small.executions)
        texts[text.dump(small.scenario)] += 1
        complete &= small.certificate.complete
    return Forms(signatures, texts.most_common(), seconds, executions, complete)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bugs", nargs="+")
    parser.add_argument("--failures", type=int, default=10)
    parser.add_argument("--cache", type=Path, metavar="DIR")
    options = parser.parse_args()
    for bug in options.bugs:
        result = forms(bug, options.failures, cache=options.cache)
        if not result.texts:
            print(f"{bug}: not found")
            continue
        shares = " + ".join(str(count) for _, count in result.texts)
        print(
            f"{bug}: {len(result.signatures)} signatures {dict(result.signatures)}, forms "
            f"{shares}, median {statistics.median(result.seconds):.1f} s, "
            f"{statistics.median(result.executions):.0f} executions"
            f"{'' if result.complete else ', budget exhausted'}"
        )
        for form, count in result.texts:
            print(f"--- {count} times\n{form}", end="")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
