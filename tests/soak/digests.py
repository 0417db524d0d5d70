# SPDX-License-Identifier: MIT
"""Whether this tree's model does what another revision's does, step by step.

    make soak WHAT=digests [ARGS="--base REV --texts N"]

Texts are made once by commit fb488d6 from the seed (random scenarios, a quarter with a known bug,
two thirds with the schedule of a random strategy kept as directives) and kept below build/soak/,
with all known bugs of that commit. Both trees run every text: digest, steps, signature, results
and number of dead directives must be equal. The other tree is unpacked below build/soak/ and
interpreted, as a compiled model has the same digests; this one is what MMFARM_MODEL says.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "digests"
BAR: Final = (
    "Every text has the same digest, steps, signature, results and dead directives in both trees."
)
MAKER: Final = "fb488d6"  # the commit that makes the texts, whatever is compared
BASE: Final = "abfd05b"  # the last commit that meant to change digests
TEXTS: Final = 10_000
CHILD: Final = Path(__file__).with_name("digests_child.py")


def tree_of(revision: str) -> Path:
    """The sources of a revision, unpacked once."""
    commit = frame.git("rev-parse", "--verify", f"{revision}^{{commit}}")
    if not commit:
        raise SystemExit(f"no revision {revision} here: git fetch it, or give another --base")
    tree = frame.LINES / "trees" / commit
    if not tree.is_dir():
        new = tree.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        archive = subprocess.run(
            ["git", "-C", str(frame.ROOT), "archive", "--format=tar", commit],
            capture_output=True,
            check=True,
        )
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(new, filter="data")
        new.rename(tree)
    return tree


def texts(seed: int, count: int) -> dict[str, str]:
    """The texts by the names of their cases."""
    file = frame.LINES / f"digests-{MAKER}-{seed}-{count}.texts"
    if not file.exists():
        print(f"{NAME}: commit {MAKER} makes {count} texts", file=sys.stderr)
        tree = tree_of(MAKER)
        new = file.with_suffix(".new")
        with new.open("w") as out:
            subprocess.run(
                [sys.executable, "-P", str(CHILD), "make", str(count), str(seed)],
                env=_environment(tree, "interpreted"),
                stdout=out,
                check=True,
            )
        new.rename(file)
    rows = map(json.loads, file.read_text().splitlines())
    return {row["case"]: row["text"] for row in rows}


def _environment(tree: Path, model: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(tree), "MMFARM_MODEL": model}


@final
class Tree:
    """A child that runs texts with the sources of one tree."""

    def __init__(self, tree: Path, model: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(CHILD), "run"],
            env=_environment(tree, model),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.about: dict[str, str] = self.answer()

    def ask(self, text: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(text) + "\n")
        self._child.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit(f"a tree's child ended with {self._child.wait()}, see above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        self._child.kill()
        self._child.wait()


def table(rows: dict[str, Row], wanted: list[str]) -> Table:
    """Counts by signature, and every text that differs."""
    mine = {case: rows[case] for case in wanted if case in rows}
    kinds: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    broken = []
    for case, row in mine.items():
        kind = row["base"].get("signature", "error")
        kinds[kind] += 1
        if row["ours"] is None:
            equal[kind] += 1
        else:
            keys = [key for key in row["base"] if row["base"][key] != row["ours"].get(key)]
            broken.append(
                f"{case}: {', '.join(keys) or 'error'}: {row['base']} is now {row['ours']}"
            )
    return Table(
        done=len(mine),
        wanted=len(wanted),
        unit="texts",
        heading=("what the base says", "texts", "equal"),
        lines=[(kind, str(n), str(equal[kind])) for kind, n in kinds.most_common()],
        broken=broken,
        remarks=[f"Texts are made by commit {MAKER}."],
    )


def main() -> int:
    """Compare the trees. Returns the exit code."""
    parser = frame.parser(__doc__)
    parser.add_argument("--base", default=BASE, metavar="REV", help=f"default: {BASE}")
    parser.add_argument("--texts", type=int, default=TEXTS, metavar="N", help="random ones")
    options = parser.parse_args()
    made = texts(options.seed, options.texts)
    with contextlib.ExitStack() as stack:
        base = Tree(tree_of(options.base), "interpreted")
        stack.callback(base.close)
        ours = Tree(frame.ROOT, os.environ.get("MMFARM_MODEL", "auto"))
        stack.callback(ours.close)

        def cases(rows: dict[str, Row]) -> Iterator[str]:
            return iter(made)

        def measure(case: str) -> Row:
            for tree in (base, ours):
                tree.ask(made[case])
            answers = [tree.answer() for tree in (base, ours)]
            return {"base": answers[0], "ours": None if answers[0] == answers[1] else answers[1]}

        plan = Plan(
            name=NAME,
            bar=BAR,
            of={
                "seed": options.seed,
                "base": frame.git("rev-parse", "--short=12", options.base),
                "ours": f"{ours.about['build_id'][:12]} {ours.about['mode']}",
            },
            cases=cases,
            measure=measure,
            table=lambda rows: table(rows, list(made)),
        )
        return frame.run(plan, options)


if __name__ == "__main__":
    sys.exit(main())
