# SPDX-License-Identifier: MIT
"""`mmfarm ci`: does a patch to the model break a promise that its base keeps?

Both models run the same scenarios, the collection's or those of a folder, and the same number of
runs of mutants that come by what the patch changes. What fails with the patch is then run on the
base: only a signature that the base does not show, neither in its own search nor by that
scenario, is new, and only that fails.

Contract: `compare` returns a `Result`; the same trees, scenarios, seed and runs give the same. A
model that cannot be run is an InfraError of the side that it is. What the patch was never tried
with stands in `never`.
"""

import hashlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from fuzz.focused import Answer, Request
from simulator.build import VARIABLE
from simulator.ops import OPS
from triage.changed import Function, changed
from triage.model import environment
from workers.errors import InfraError

ORIGIN: Final = "mmfarm"
# Of a mail that fits a screen: columns, failures, lines of a scenario, functions.
WIDTH: Final = 76
MAX_FAILURES: Final = 2
MAX_SCENARIO_LINES: Final = 14
MAX_FUNCTIONS: Final = 8
LIMIT_SECONDS: Final = 3600.0  # of one side; its runs are counted, this is for what hangs


@dataclass(frozen=True, slots=True)
class Failure:
    """A signature with the shortest scenario that shows it."""

    signature: str
    promise: str
    scenario: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of both. `new` are failures of the patch alone, `old` those of both, `gone`
    signatures that only the base has shown. `functions` are what the patch changes."""

    patch: str
    patch_hash: str
    base: str
    base_build: str
    patched_build: str
    seed: int
    scenarios: int
    runs: int
    new: tuple[Failure, ...]
    old: tuple[str, ...]
    gone: tuple[str, ...]
    functions: tuple[dict[str, Any], ...]
    never: tuple[str, ...]  # ops beside which no changed function ran

    @property
    def verdict(self) -> str:
        return "fail" if self.new else "pass"

    def to_json(self) -> dict[str, Any]:
        """Plain data; docs/schemas/ci.json describes it."""
        return {"verdict": self.verdict, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: a tree of mmfarm, and what it is called."""

    tree: Path
    name: str


def compare(
    base: Side,
    patched: Side,
    patch: Path,
    scenarios: Sequence[str],
    runs: int,
    seed: int,
    focus: Sequence[str] = (),
) -> Result:
    """Run both. `focus` names functions to steer to instead of all that were changed."""
    functions = changed(base.tree, patched.tree)
    wanted = [f for f in functions if not focus or f.name in focus or _in(f, focus)]
    sites = sorted({site for function in wanted for site in function.sites})
    asked = Request(list(scenarios), sites, runs, seed)
    sample = [(f.file, f.name) for f in functions if f.how != "gone" and "." not in f.name]
    counted = Request(list(scenarios), sites, 0, seed, sample=sample)
    with ThreadPoolExecutor(3) as pool:
        one = pool.submit(ask, base, asked)
        other = pool.submit(ask, patched, asked)
        lines = pool.submit(ask, patched, counted, interpreted=True)
        before, after, ran = one.result(), other.result(), lines.result()
    both = _on_base(base, after, before)
    names = [name for name in after.signatures if name not in both]
    return Result(
        str(patch),
        hashlib.sha256(patch.read_bytes()).hexdigest(),
        base.name,
        before.build_id,
        after.build_id,
        seed,
        len(scenarios),
        after.runs,
        tuple(
            Failure(name, promise, text)
            for name, (text, promise) in sorted(after.signatures.items())
            if name in names
        ),
        tuple(sorted(both)),
        tuple(sorted(set(before.signatures) - set(after.signatures))),
        tuple(_function(each, after, ran) for each in functions),
        tuple(spec.name for spec in OPS if spec.name not in after.together),
    )


def ask(side: Side, request: Request, *, interpreted: bool = False) -> Answer:
    """What the model of one side answers."""
    there = environment(side.tree)
    if interpreted:
        there[VARIABLE] = "interpreted"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fuzz.focused"],
        input=json.dumps(asdict(request)),
        env=there,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise InfraError(f"the model of {side.name} does not run: {said}")
    return Answer(**json.loads(done.stdout))


def _on_base(base: Side, after: Answer, before: Answer) -> set[str]:
    """Those signatures of the patched model that the base shows as well."""
    both = set(after.signatures) & set(before.signatures)
    for name in set(after.signatures) - both:
        again = ask(base, Request([after.signatures[name][0]], []))
        if name in again.signatures:
            both.add(name)
    return both


def _in(function: Function, focus: Sequence[str]) -> bool:
    """Whether a site of the function belongs to a function of Linux that is asked for."""
    return any(site.partition(":")[0] in focus for site in function.sites)


def _function(function: Function, after: Answer, ran: Answer) -> dict[str, Any]:
    lines = ran.lines.get(function.name)
    return {
        "file": function.file,
        "name": function.name,
        "how": function.how,
        "sites": {site: after.seen.get(site, 0) for site in function.sites},
        "preempted": {site: after.left.get(site, 0) for site in function.sites},
        "sampled_calls": ran.functions.get(function.name),
        "sampled_lines": list(lines) if lines else None,
    }


# --- what others read -----------------------------------------------------------------------------


def kcidb(result: Result, start_time: str) -> dict[str, Any]:
    """The result as a KCIDB v5.3 report: a checkout, a build of the model, and a test for the patch
    and for each new signature. `start_time` is ISO 8601 with a zone."""
    key = f"{result.base_build[:16]}-{result.patch_hash[:16]}"
    checkout, build = f"{ORIGIN}:{key}", f"{ORIGIN}:{key}-{result.patched_build[:16]}"
    patchset = hashlib.sha256(f"{result.patch_hash}\n".encode()).hexdigest()

    def test(path: str, status: str, comment: str, misc: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{build}-{path}",
            "origin": ORIGIN,
            "build_id": build,
            "path": path,
            "status": status,
            "comment": comment,
            "start_time": start_time,
            "misc": misc,
        }

    tests = [
        test(
            "mmfarm",
            "FAIL" if result.new else "PASS",
            f"{result.scenarios} scenarios, {result.runs} runs of the model",
            {"seed": result.seed, "old_signatures": list(result.old)},
        )
    ]
    tests += [
        test(
            "mmfarm." + failure.signature.replace(" ", "."),
            "FAIL",
            failure.promise,
            {"scenario": failure.scenario},
        )
        for failure in result.new
    ]
    return {
        "version": {"major": 5, "minor": 3},
        "checkouts": [
            {
                "id": checkout,
                "origin": ORIGIN,
                "patchset_hash": patchset,
                "comment": f"model of Linux mm: {result.base} with {Path(result.patch).name}",
                "start_time": start_time,
                "valid": True,
            }
        ],
        "builds": [
            {
                "id": build,
                "origin": ORIGIN,
                "checkout_id": checkout,
                "architecture": "x86_64",
                "comment": "the model, not a kernel",
                "start_time": start_time,
                "status": "PASS",
            }
        ],
        "tests": tests,
    }


def mail(result: Result) -> str:
    """One screen of plain text."""
    name = Path(result.patch).name
    lines = [
        f"Subject: [mmfarm] {result.verdict}: {name}",
        "",
        *_wrapped(
            f"{name} was run on a model of Linux mm (build {result.patched_build[:12]}), and "
            f"so was its base ({result.base}, build {result.base_build[:12]}): "
            f"{result.scenarios} scenarios and mutants of those that come by what it changes, "
            f"{result.runs:,} runs, seed {result.seed}."
        ),
        "",
    ]
    for failure in result.new[:MAX_FAILURES]:
        lines += [f"New: {failure.signature}", *_wrapped(f"{failure.promise}.", "  "), ""]
        lines += [f"    {line}" for line in failure.scenario.splitlines()[:MAX_SCENARIO_LINES]]
        lines += ["", f"  mmfarm explain --model {name} FILE draws it.", ""]
    if len(result.new) > MAX_FAILURES:
        lines += [f"and {len(result.new) - MAX_FAILURES} more new signatures.", ""]
    if not result.new:
        lines += ["Nothing failed that does not fail without it.", ""]
    if result.old:
        lines += [*_wrapped(f"Fails with and without it: {'; '.join(result.old)}."), ""]
    lines += ["What it changes, and how often that ran:"]
    for each in function_lines(result)[:MAX_FUNCTIONS]:
        lines += _wrapped(each, "  ")
    lines += ["", "A model says where to look, not that Linux does so."]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def function_lines(result: Result) -> list[str]:
    """A line for each changed function: how often it ran, and where it was interrupted."""
    said = []
    for each in result.functions:
        visits = sum(each["sites"].values())
        where = [site for site, times in each["preempted"].items() if times]
        parts = [f"{each['name']}() ({each['how']})"]
        if each["sites"]:
            parts.append(
                f"its sites passed {visits:,} times, preempted at {len(where)} of "
                f"{len(each['sites'])}"
            )
        if each["sampled_calls"] is not None:
            lines = each["sampled_lines"] or [0, 0]
            parts.append(
                f"{each['sampled_calls']} calls in an interpreted sample"
                + (f", {lines[0]} of {lines[1]} lines" if lines[1] else "")
            )
        said.append(": ".join([parts[0], "; ".join(parts[1:]) or "has no sites"]))
    return said
