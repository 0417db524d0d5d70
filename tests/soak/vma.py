# SPDX-License-Identifier: MIT
"""Merging and splitting of VMAs, judged by the kernel's own mm/vma.c in user space.

    make soak WHAT=vma [ARGS="--linux 7.2 --cases N"]

Debian's linux-source is fetched, tools/testing/vma of it built around judge.c (vma_judge/), and
random programs of mappings, unmappings, changes of flags, first faults and forks are given to both
sides: after each of them all VMAs, flags, offsets, anon_vmas and chains must be the same. A
line of the table's file is 1,000 programs.
"""

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance import sources
from conformance.debian import NoKernel
from simulator import sites
from simulator.build import build_id
from simulator.lib.maple_tree import find_vma, vma_prev
from simulator.mm import anon_vma, mm_types, mmap, mmap_lock, vma_merge
from simulator.mm.mm_types import Vma
from simulator.scenario import Config
from tests.model.run import boot
from tests.soak import frame
from tests.soak.frame import Plan, Row, Table

NAME: Final = "vma"
BAR: Final = "Random programs of VMA operations leave the same VMAs in the model and in mm/vma.c."
LINUX: Final = ("7.2", "7.3")
CASES: Final = 100_000
CHUNK: Final = 1_000
PAGES: Final = 12
LINES: Final = 16  # of a program
PROGRAMS: Final = 50  # on one machine, whose steps are limited
JUDGE: Final = Path(__file__).parent / "vma_judge" / "judge.c"
WANTED: Final = (
    "tools/testing/vma",
    "tools/testing/shared",
    "tools/testing/radix-tree",
    "tools/include",
    "tools/arch/x86",
    "tools/lib",
    "tools/scripts",
    "mm",
    "lib",
    "include/linux",
    "arch/x86/include",
)
TOOLS: Final = ("make", "gcc", "sed", "getconf")
# The model's flags and those of include/linux/mm.h.
FLAGS: Final = (
    (mm_types.VM_READ, 0x1),
    (mm_types.VM_WRITE, 0x2),
    (mm_types.VM_EXEC, 0x4),
    (mm_types.VM_MAYREAD, 0x10),
    (mm_types.VM_MAYWRITE, 0x20),
    (mm_types.VM_DONTCOPY, 0x20000),
    (mm_types.VM_ACCOUNT, 0x100000),
    (mm_types.VM_WIPEONFORK, 0x2000000),
    (mm_types.VM_DONTDUMP, 0x4000000),
    (mm_types.VM_SOFTDIRTY, 0x8000000),
)
ACCESS: Final = 0x7
ADVICE: Final = 0x20000 | 0x4000000 | 0x2000000
MAY: Final = 0x30


def program(rng: random.Random) -> list[str]:
    """Lines for judge.c."""
    lines: list[str] = []
    for _ in range(LINES):
        start = rng.randrange(PAGES - 1)
        end = min(PAGES, start + rng.choice((1, 2, 2, 3, 4, 6)))
        what = rng.choices(
            ("map", "unmap", "flags", "advise", "touch", "fork", "clean"), (6, 1, 4, 2, 5, 2, 2)
        )[0]
        if what == "map":
            pgoff = start if rng.random() < 0.9 else rng.randrange(PAGES)
            access = rng.choice((3, 3, 3, 3, 1))
            lines.append(f"map {start} {end} {MAY | access:x} {pgoff:x}")
        elif what == "flags":
            lines.append(f"flags {start} {end} {ACCESS:x} {rng.choice((3, 3, 3, 1)):x}")
        elif what == "advise":
            bit = rng.choice((0x20000, 0x4000000, 0, 0, 0))
            lines.append(f"flags {start} {end} {ADVICE:x} {bit:x}")
        elif what == "clean":
            lines.append("clean")
        else:
            lines.append(f"{what} {start} {end}")
    return lines


class Model:
    """The model's side: the same lines, the same answers."""

    def __init__(self, version: str) -> None:
        self._config = Config(pmd_order=3, pages=PAGES, kernel=version)
        self._left = 0

    def answers(self, lines: list[str]) -> list[str]:
        said: list[str] = []
        if not self._left:
            p = self._p = boot(self._config)
            mmap_lock.mmap_write_lock(p.k, p.mm, sites.VM_MMAP_PGOFF__LOCK)
            self._left = PROGRAMS
        self._left -= 1
        for line in lines:
            what, *words = line.split()
            self._do(what, words)
            said.append(self._state())
        mmap.do_vmi_munmap(self._p.k, self._p.mm, 0, PAGES, False)
        return said

    def _do(self, what: str, words: list[str]) -> None:
        p = self._p
        if what == "clean":
            for vma in p.mm.vmas:
                vma.flags &= ~mm_types.VM_SOFTDIRTY
            return
        start, end = int(words[0]), int(words[1])
        if what == "map":
            flags, pgoff = ours(int(words[2], 16)), int(words[3], 16)
            mmap.mmap_region(p.k, p.mm, start, end, flags, pgoff, None)
        elif what == "unmap":
            mmap.do_vmi_munmap(p.k, p.mm, start, end, False)
        elif what == "flags":
            self._modify(start, end, ours(int(words[2], 16)), ours(int(words[3], 16)))
        else:
            there = find_vma(p.mm, start)
            if there is None or there.start > start or there.anon_vma is not None:
                return
            if what == "touch":
                anon_vma.anon_vma_prepare(p.k, there)
            else:
                self._inherit(there)

    def _modify(self, start: int, end: int, mask: int, flags: int) -> None:
        """As do_mprotect_pkey() and madvise_walk_vmas() go through a range."""
        p = self._p
        while start < end:
            vma = find_vma(p.mm, start)
            if vma is None or vma.start >= end:
                return
            start = max(start, vma.start)
            stop = min(end, vma.end)
            prev = vma if start > vma.start else vma_prev(p.mm, start)
            wanted = (vma.flags & ~mask) | flags
            if wanted != vma.flags:
                target = vma_merge.vma_modify_flags(p.k, prev, vma, start, stop, wanted)
                assert target is not None
                target.flags = wanted | vma_merge.sticky(p.k, target.flags)
            start = stop

    def _inherit(self, vma: Vma) -> None:
        """A root, and under it the VMA's own."""
        k = self._p.k
        root, av = anon_vma.anon_vma_alloc(k), anon_vma.anon_vma_alloc(k)
        root.num_children = 2
        av.root = av.parent = root
        anon_vma.get_anon_vma(root)
        anon_vma.chain_link(vma, root)
        anon_vma.chain_link(vma, av)
        anon_vma.set_anon_vma(vma, av)
        av.num_active_vmas = 1

    def _state(self) -> str:
        vmas = list(self._p.mm.vmas)
        parts: list[str] = []
        for vma in vmas:
            own = "-"
            if vma.anon_vma is not None:
                first = next(i for i, v in enumerate(vmas) if v.anon_vma is vma.anon_vma)
                own = f"{first}/{len(vma.chain)}"
            parts.append(f"{vma.start} {vma.end} {theirs(vma.flags):x} {vma.pgoff} {own};")
        return "".join(parts)


def ours(flags: int) -> int:
    return sum(model for model, linux in FLAGS if flags & linux)


def theirs(flags: int) -> int:
    return sum(linux for model, linux in FLAGS if flags & model)


class Judge:
    """mm/vma.c of one version, built in a folder that goes with it. A context manager."""

    def __init__(self, version: str) -> None:
        for tool in TOOLS:
            if shutil.which(tool) is None:
                raise NoKernel(f"no {tool} (Debian: apt-get install build-essential)")
        file, self.version = sources.package(version)
        self._folder = tempfile.TemporaryDirectory(prefix="mmfarm-vma-")
        tree = Path(self._folder.name)
        sources.unpack(file, tree, WANTED)
        here = tree / "tools/testing/vma"
        shutil.copy(JUDGE, here / "main.c")
        done = subprocess.run(
            [
                "make",
                "-s",
                "vma",
                "EXTRA_CFLAGS=-fno-sanitize=all -O1 -w -DCONFIG_MEM_SOFT_DIRTY=1",
            ],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self._folder.cleanup()
            raise NoKernel(
                f"tools/testing/vma of {self.version} cannot be built (Debian: apt-get install "
                f"liburcu-dev): {done.stderr.strip()[-600:]}"
            )
        self._program = subprocess.Popen(
            [str(here / "vma")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it warns of accounts that its stubs do not keep
            text=True,
        )

    def close(self) -> None:
        self._program.kill()
        self._program.communicate()
        self._folder.cleanup()

    def answers(self, lines: list[str]) -> list[str]:
        stdin, stdout = self._program.stdin, self._program.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("\n".join((*lines, "end", "")))
        stdin.flush()
        return [stdout.readline().rstrip("\n") for _ in lines]


class Judges:
    def __init__(self) -> None:
        self._judge: Judge | None = None
        self._asked = ""

    def of(self, version: str) -> Judge:
        if version != self._asked:
            self.close()
            self._judge, self._asked = Judge(version), version
        assert self._judge is not None
        return self._judge

    def close(self) -> None:
        if self._judge is not None:
            self._judge.close()
        self._judge, self._asked = None, ""


def measure(case: str, seed: int, judges: Judges) -> Row:
    version, _, number = case.partition(" ")
    judge = judges.of(version)
    model = Model(version)
    merged = 0
    found: list[str] = []
    for i in range(CHUNK):
        lines = program(random.Random(f"{seed} {case} {i}"))
        expected, said = judge.answers(lines), model.answers(lines)
        merged += sum(len(b) < len(a) for a, b in zip(said, said[1:], strict=False))
        for j, (theirs_, ours_) in enumerate(zip(expected, said, strict=True)):
            if theirs_ != ours_:
                found.append(f"{'; '.join(lines[: j + 1])}: model {ours_} kernel {theirs_}")
                break
    return {
        "version": judge.version,
        "cases": CHUNK,
        "shrunk": merged,
        "disagree": len(found),
        "first": found[0] if found else "",
    }


def table(rows: dict[str, Row], wanted: list[str]) -> Table:
    lines: list[tuple[str, ...]] = []
    broken: list[str] = []
    for version in dict.fromkeys(case.partition(" ")[0] for case in wanted):
        ours_ = [rows[case] for case in wanted if case in rows and case.startswith(f"{version} ")]
        if ours_:
            done = sum(row["cases"] for row in ours_)
            differ = sum(row["disagree"] for row in ours_)
            shrunk = sum(row["shrunk"] for row in ours_)
            lines.append((ours_[0]["version"], f"{done:,}", f"{shrunk:,}", f"{differ:,}"))
            broken += [row["first"] for row in ours_ if row["first"]][:10]
    return Table(
        sum(row["cases"] for case, row in rows.items() if case in wanted),
        len(wanted) * CHUNK,
        "programs",
        ("Linux", f"programs of {LINES} operations", "of them merged or unmapped", "disagree"),
        lines,
        broken,
    )


def cases(versions: list[str], number: int) -> Iterator[str]:
    for version in versions:
        for chunk in range(number // CHUNK):
            yield f"{version} {chunk}"


def main() -> int:
    parser = frame.parser(__doc__)
    parser.add_argument("--linux", action="append", metavar="V", help="instead of all")
    parser.add_argument("--cases", type=int, default=CASES, metavar="N", help="for each version")
    options = parser.parse_args()
    wanted = list(cases(options.linux or list(LINUX), options.cases))
    judges = Judges()
    try:
        return frame.run(
            Plan(
                NAME,
                BAR,
                {"seed": options.seed, "model": build_id()[:12]},
                lambda _: wanted,
                lambda case: measure(case, options.seed, judges),
                lambda rows: table(rows, wanted),
            ),
            options,
        )
    except NoKernel as missing:
        print(f"{NAME}: skipped: {missing}", file=sys.stderr)
        return frame.MISSING
    finally:
        judges.close()


if __name__ == "__main__":
    sys.exit(main())
