# SPDX-License-Identifier: MIT
"""What tests of the model share: run a scenario's text, or call model functions one by one.

`boot` gives a machine with one process and no ops; calls on it run without other actors and
must not have to wait. It is for looking at VMAs and page tables between two calls.
"""

from corpus.text import parse
from simulator import ops
from simulator.dump import vma_text
from simulator.mm import fault
from simulator.mm import mmap as mmap_module
from simulator.mm.mm_types import Mm
from simulator.mm.util import vm_mmap_pgoff
from simulator.outcome import Outcome, result_name
from simulator.run import Machine, set_up
from simulator.scenario import Config, Op, Scenario
from simulator.state import Kernel

RW = 3
R = 1
NONE = 0


def scenario(text: str) -> Scenario:
    """A scenario given without its first line, and without a config line if that is the
    default one. Empty lines do not count, so that texts can be put together."""
    lines = [line for line in text.splitlines() if line]
    if not lines[0].startswith("config"):
        lines.insert(0, "config pmd_order=3 frames=64")
    return parse("\n".join(["# mmfarm scenario 1", *lines, ""]))


def run(text: str, *, trace: bool = False) -> Outcome:
    """Run a scenario given as `scenario` takes it."""
    return Machine().run(scenario(text), trace=trace)


def results(text: str) -> list[str | int]:
    """The results of a run that must be clean."""
    outcome = run(text)
    assert outcome.violation is None, outcome.violation
    return [result_name(value) for value in outcome.results]


class Process:
    """A booted machine with one process; methods are system calls and accesses."""

    def __init__(self, config: Config) -> None:
        self.machine = Machine()
        self.k: Kernel = self.machine.k
        set_up(self.k, Scenario(config, (Op(1, 0, ops.OP_SLEEP),)), None, False)
        mm = self.k.tasks[0].mm
        assert mm is not None
        self.mm: Mm = mm

    def mmap(
        self,
        start: int,
        end: int,
        prot: int = RW,
        *,
        shared: bool = False,
        backing: int = 0,
        offset: int = 0,
        flags: int = 0,
    ) -> int:
        return vm_mmap_pgoff(self.k, self.mm, start, end, prot, int(shared), backing, offset, flags)

    def munmap(self, start: int, end: int) -> int:
        return mmap_module.do_munmap(self.k, self.mm, start, end)

    def write(self, page: int) -> int:
        return fault.user_store(self.k, self.k.tasks[0], self.mm, page * 4)

    def read(self, page: int) -> int:
        return fault.user_load(self.k, self.k.tasks[0], self.mm, page * 4)

    def vmas(self) -> list[str]:
        """`0..4 rw-p anon`, in order."""
        return [vma_text(vma).removeprefix("vma ") for vma in self.mm.vmas]


def boot(config: Config | None = None) -> Process:
    return Process(config or Config())
