# SPDX-License-Identifier: MIT
"""Who runs, and up to where: the CPUs of a guest held and released one by one.

Contract: an `Engine` runs one program of actors. `start` gives an actor an op; `run` lets it go
on until it comes to an address for the n-th time, its op ends, or it waits for somebody who is
held. Only that actor is inside an op and runs; actors between ops spin in user space, and CPU 0
does the housekeeping. A held CPU answers interrupts when somebody waits for that (a "breath"),
and then stands where it stood. What a kernel says of itself ends a run as `Cry`; when nothing
more happens, and it is not known for whom the actor waits, that is `Stuck`.

Time is the guest's work, not the clock: a busy machine makes it slow and not different.
"""

import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.forced.code import Symbols
from conformance.forced.gdb import RAX, RIP, Gdb, GdbError, Stop
from conformance.forced.guest import OBSERVE, PRESENT, QUIT, RUN, WARM, Guest, Work
from conformance.observation import Checkpoint
from simulator.ops import OP_EXIT, OP_FORK

# How QEMU's own CPU time is used up before somebody looks where the actor stands.
QUIET_CPU_SECONDS: Final = 0.020
AGAIN_CPU_SECONDS: Final = 0.004  # and looks again
QUIET_SECONDS: Final = 0.5  # the same by the clock, for a guest in which all are asleep
POLL_SECONDS: Final = 0.0002
SAMPLES: Final = 4  # that agree, and then an actor waits
MAX_SAMPLES: Final = 400  # of an actor that does not wait and does not get on
MAX_BREATHS: Final = 200

IDLE: Final = "idle"
INSIDE: Final = "inside"
HELD: Final = "held"
WAITING: Final = "waiting"
GONE: Final = "gone"

_SPINS: Final = frozenset(
    (
        "native_queued_spin_lock_slowpath",
        "queued_spin_lock_slowpath",
        "rwsem_spin_on_owner",
        "osq_lock",
        "mutex_spin_on_owner",
        "rwsem_down_read_slowpath",
        "rwsem_down_write_slowpath",
        "rwsem_optimistic_spin",
        "queued_read_lock_slowpath",
        "queued_write_lock_slowpath",
        "pv_native_queued_spin_lock_slowpath",
        "__pv_queued_spin_lock_slowpath",
        "_raw_spin_lock",
    )
)
_ANSWERS: Final = frozenset(
    (
        "smp_call_function_many_cond",
        "smp_call_function_single",
        "generic_exec_single",
        "on_each_cpu_cond_mask",
        "native_flush_tlb_multi",
    )
)
_CRY: Final = re.compile(
    r"^(?:\[[ .0-9]*\] )?.*(?:BUG:|kernel BUG at|WARNING:|Oops|general protection fault|"
    r"Kernel panic|Bad page|Bad rss-counter|KASAN|UBSAN|KCSAN|lockdep|INFO: task|stall)",
    re.M,
)


class Cry(Exception):
    """The kernel has said that something is wrong with it."""


class Stuck(Exception):
    """An actor neither gets on nor waits in a way that is known."""


@dataclass(frozen=True, slots=True)
class Event:
    """How a run of an actor ended: `done` with a result, `held` at an address, or `waiting` in a
    function of the kernel ("asleep" when its CPU is idle)."""

    kind: str
    address: int = 0
    result: int = 0
    where: str = ""


DONE: Final = "done"


@dataclass(slots=True)
class _Actor:
    cpu: int
    state: str = GONE
    ring: int = PRESENT
    pc: int = 0  # where it is held
    work: Work | None = None


class Engine:
    """One program on a guest. `cpus` gives each actor its own; `children` are those that forks
    make; `huge`: it may have huge pages."""

    def __init__(
        self,
        guest: Guest,
        symbols: Symbols,
        nr_pages: int,
        cpus: Mapping[int, int],
        children: Collection[int] = (),
        huge: bool = False,
    ) -> None:
        self._guest = guest
        self._gdb: Gdb = guest.gdb
        self._symbols = symbols
        self._nr_pages = nr_pages
        self._children = frozenset(children)
        self._heard = len(guest.console())
        self._armed: set[int] = set()
        self._resumed: frozenset[int] = frozenset()
        self._actors = {actor: _Actor(cpu) for actor, cpu in cpus.items()}
        self.watched: frozenset[int] = frozenset()  # addresses that are noted when passed
        self.passed: dict[int, list[int]] = {actor: [] for actor in cpus}
        self.breaths = 0
        self.holds = 0
        self._go(guest.all_cpus)
        guest.begin(nr_pages, cpus, sum(1 << child for child in children), huge)
        for actor, a in self._actors.items():
            if actor not in children:
                a.state = IDLE

    # --- what actors are told ---

    def start(self, actor: int, work: Work, *, warm: bool = True) -> None:
        """Give an actor that is between ops its next one; it does nothing of it before `run`.
        `warm` takes the faults of its own stack out of the way first."""
        a = self._actors[actor]
        assert a.state == IDLE
        if warm:
            self._order(actor, WARM)
        self._halt()
        a.ring = self._guest.ring(actor, RUN, work)
        a.state = INSIDE
        a.work = work

    def do(self, actor: int, work: Work) -> int:
        """A whole op that nobody interrupts. Raises Stuck where it waits."""
        self.start(actor, work, warm=False)
        event = self.run(actor)
        if event.kind != DONE:
            raise Stuck(f"an op that should run through waits in {event.where}")
        return event.result

    def _forked(self, actor: int, child: int) -> None:
        """The op of a fork has ended: the child is there."""
        self._wait_for(child, PRESENT)
        self._actors[child].state = IDLE
        for other, a in self._actors.items():  # the fork has write-protected all stacks
            if a.state == IDLE and self._process(other) == self._process(actor):
                self._order(other, WARM)

    def state(self, actor: int) -> str:
        return self._actors[actor].state

    # --- running ---

    def run(self, actor: int, addresses: Collection[int] = (), visit: int = 1) -> Event:
        """Let an actor go on. Raises Cry and Stuck."""
        try:
            return self._run(actor, frozenset(addresses), visit)
        except GdbError as error:
            self._listen()
            raise Stuck(f"QEMU: {error}") from error

    def skip_call(self, actor: int, value: int = 0) -> None:
        """The call at which an actor is held returns this instead of being made."""
        a = self._actors[actor]
        assert a.state == HELD
        self._halt()
        size = _call_size(self._guest.text(a.pc, 8))
        self._gdb.set_register(a.cpu, RAX, value % (1 << 64))
        self._gdb.set_register(a.cpu, RIP, a.pc + size)
        a.pc += size

    def _run(self, actor: int, addresses: frozenset[int], visit: int) -> Event:
        a = self._actors[actor]
        assert a.state in (INSIDE, HELD, WAITING)
        self._halt()
        was_held = a.state == HELD
        a.state = INSIDE
        if was_held:
            self._disarm(a.pc, addresses | self.watched)
        self._arm(addresses | self.watched)
        if was_held and a.pc in self._armed:
            self._step(a.cpu)
        samples: list[str] = []
        nr_samples = 0
        seconds = QUIET_CPU_SECONDS
        while True:
            self._go(self._runnable(actor))
            stop = self._await(actor, seconds)
            if stop is not None and stop.signal == 5:
                samples.clear()
                pc = self._gdb.pc(stop.cpu)
                if stop.cpu == a.cpu and pc in self.watched:
                    self.passed[actor].append(pc)
                if stop.cpu == a.cpu and pc in addresses:
                    visit -= 1
                    if not visit:
                        return self._held(actor)
                self._step(stop.cpu)
                continue
            if self._guest.done(actor) == a.ring:
                return self._done(actor)
            self._halt()
            self._listen()
            nr_samples += 1
            where = self._where(a.cpu)
            samples.append(where)
            if where in _ANSWERS:
                self._breathe(actor)
            waits = where == "asleep" or where in _SPINS or where in _ANSWERS
            if waits and samples[-SAMPLES:] == [where] * SAMPLES:
                a.state = WAITING
                return Event(WAITING, where=where)
            if nr_samples > MAX_SAMPLES:
                raise Stuck(f"neither waits nor gets on, in {where}")
            seconds = AGAIN_CPU_SECONDS if waits else QUIET_CPU_SECONDS

    def _held(self, actor: int) -> Event:
        a = self._actors[actor]
        a.state = HELD
        a.pc = self._gdb.pc(a.cpu)
        self.holds += 1
        return Event(HELD, address=a.pc)

    def _done(self, actor: int) -> Event:
        a = self._actors[actor]
        result = self._guest.result(actor)
        a.state = IDLE
        self._listen()
        if a.work is not None and a.work.code == OP_EXIT:
            a.state = GONE
        if a.work is not None and a.work.code == OP_FORK and result >= 0:
            self._forked(actor, a.work.args[0])
        return Event(DONE, result=result)

    def _breathe(self, actor: int) -> None:
        """All other CPUs answer interrupts, while the actor that waits for that stands still. With
        its breakpoint armed a held CPU takes them first and is then where it was."""
        self.breaths += 1
        if self.breaths > MAX_BREATHS:
            raise Stuck("held CPUs are asked again and again")
        here = self._actors[actor].cpu
        held = {a.cpu: a.pc for a in self._actors.values() if a.state == HELD}
        cpus = set(self._guest.all_cpus) - {here}
        deadline = time.monotonic() + QUIET_SECONDS
        spent = self._guest.cpu_seconds() + AGAIN_CPU_SECONDS
        while self._guest.cpu_seconds() < spent and time.monotonic() < deadline:
            self._go(cpus)
            stop = self._gdb.wait(POLL_SECONDS)
            if stop is None:
                continue
            self._resumed = frozenset()
            if held.get(stop.cpu) == self._gdb.pc(stop.cpu):
                cpus.discard(stop.cpu)
            else:
                self._step(stop.cpu)
        self._halt()

    def _runnable(self, actor: int) -> set[int]:
        """All but those of other actors inside an op."""
        return set(self._guest.all_cpus) - {
            a.cpu
            for other, a in self._actors.items()
            if other != actor and a.state in (INSIDE, HELD, WAITING)
        }

    def _where(self, cpu: int) -> str:
        """The function that a CPU is in: "asleep" when it has nothing to do, "user" outside."""
        if self._gdb.halted(cpu):
            return "asleep"
        pc = self._gdb.pc(cpu)
        return self._symbols.at(pc) if pc >> 63 else "user"

    def _await(self, actor: int, seconds: float) -> Stop | None:
        """Until the machine stops, the actor's op ends, or that much has been worked."""
        ring = self._actors[actor].ring
        deadline = time.monotonic() + QUIET_SECONDS
        cpu = self._guest.cpu_seconds() + seconds
        while True:
            stop = self._gdb.wait(POLL_SECONDS)
            if stop is not None:
                self._resumed = frozenset()
                return stop
            if self._guest.done(actor) == ring or self._guest.cpu_seconds() > cpu:
                return None
            if time.monotonic() > deadline:
                return None

    # --- the machine ---

    def _go(self, cpus: Collection[int]) -> None:
        wanted = frozenset(cpus)
        if self._gdb.running:
            if wanted == self._resumed:
                return
            self._halt()
        self._gdb.resume(sorted(wanted))
        self._resumed = wanted

    def _halt(self) -> None:
        """Stop all. A breakpoint that is hit just then is hit again."""
        if self._gdb.running:
            self._gdb.interrupt()
            self._resumed = frozenset()

    def _arm(self, addresses: Collection[int]) -> None:
        """Breakpoints where the actor is to be held, and where others are."""
        wanted = set(addresses) | {a.pc for a in self._actors.values() if a.state == HELD}
        for address in self._armed - wanted:
            self._gdb.remove(address)
        for address in wanted - self._armed:
            self._gdb.insert(address)
        self._armed = wanted

    def _disarm(self, address: int, kept: Collection[int]) -> None:
        others = (a.pc for a in self._actors.values() if a.state == HELD)
        if address in self._armed and address not in kept and address not in others:
            self._gdb.remove(address)
            self._armed.discard(address)

    def _step(self, cpu: int) -> None:
        """Past the breakpoint at which a CPU stands."""
        pc = self._gdb.pc(cpu)
        if pc not in self._armed:
            return
        self._gdb.remove(pc)
        self._gdb.step(cpu)
        self._gdb.insert(pc)

    # --- the end ---

    def finish(self) -> dict[int, int]:
        """Let everybody go on until all ops have ended: the results of those that had not.
        Raises Stuck where one does not end."""
        results: dict[int, int] = {}
        try:
            self._halt()
            inside = [n for n, a in self._actors.items() if a.state in (INSIDE, HELD, WAITING)]
            for a in self._actors.values():
                if a.state in (INSIDE, HELD, WAITING):
                    a.state = INSIDE
            self._arm(())
            self._go(self._guest.all_cpus)
            for actor in inside:
                self._wait_for(actor, self._actors[actor].ring)
                results[actor] = self._done(actor).result
        except GdbError as error:
            self._listen()
            raise Stuck(f"QEMU: {error}") from error
        return results

    def end(self) -> tuple[Checkpoint, ...]:
        """After `finish`: every process is observed by its first actor, and quits."""
        self._go(self._guest.all_cpus)
        there = sorted(actor for actor, a in self._actors.items() if a.state == IDLE)
        return self._observed(there)

    def _observed(self, there: list[int]) -> tuple[Checkpoint, ...]:
        firsts = list({self._process(actor): actor for actor in reversed(there)}.values())
        for actor in firsts:
            self._order(actor, OBSERVE)
        for actor in firsts:
            self._guest.ring(actor, QUIT)
        checkpoints = self._guest.end(self._nr_pages)
        self._listen()
        return checkpoints

    def _process(self, actor: int) -> int:
        """The first actor of the process that an actor is a thread of: only forks make others."""
        return actor if actor in self._children else 0

    def _order(self, actor: int, order: int) -> None:
        """Something between ops that is over soon."""
        a = self._actors[actor]
        if not self._gdb.running or a.cpu not in self._resumed:
            self._go(self._runnable(actor))
        a.ring = self._guest.ring(actor, order)
        self._wait_for(actor, a.ring)

    def _wait_for(self, actor: int, ring: int) -> None:
        """While all that may run do."""
        if not self._gdb.running:
            self._go(self._runnable(actor))
        for _ in range(MAX_SAMPLES):
            stop = self._await_number(actor, ring)
            if self._guest.done(actor) == ring:
                return
            if stop is not None and stop.signal == 5:
                self._step(stop.cpu)
                self._go(self._runnable(actor))
            self._listen()
        raise Stuck(f"an order is not carried out: {self._whereabouts(actor)}")

    def _await_number(self, actor: int, ring: int) -> Stop | None:
        cpu = self._guest.cpu_seconds() + QUIET_CPU_SECONDS
        deadline = time.monotonic() + QUIET_SECONDS
        while self._guest.done(actor) != ring and time.monotonic() < deadline:
            stop = self._gdb.wait(POLL_SECONDS)
            if stop is not None:
                self._resumed = frozenset()
                return stop
            if self._guest.cpu_seconds() > cpu:
                break
        return None

    def _whereabouts(self, actor: int) -> str:
        self._halt()
        return self._where(self._actors[actor].cpu)

    def _listen(self) -> None:
        """Raises Cry when the kernel has printed something of its own trouble."""
        text = self._guest.console()[self._heard :]
        match = _CRY.search(text)
        if match is not None:
            raise Cry(text[match.start() :].strip())


def _call_size(code: bytes) -> int:
    """The length of the call instruction there, of those that the kernel has."""
    if code[0] == 0xE8:
        return 5
    if code[0] == 0xFF and code[1] >> 3 & 7 == 2:
        return 2 if code[1] >> 6 == 3 else 7 if code[1] & 7 == 4 else 6
    raise Stuck(f"no call of a known form: {code.hex()}")
