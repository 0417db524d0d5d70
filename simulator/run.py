# SPDX-License-Identifier: MIT
"""`Machine`: give it a Scenario, get an Outcome.

Same scenario, same model build: same digest, on any machine, compiled or interpreted. A
Machine is reused from run to run; it keeps no state between them but the feedback counters,
which the caller clears.
"""

from typing import Final

from greenlet import greenlet
from mypy_extensions import i64, u8

from simulator import features, sites, syscalls
from simulator.build.native import final, vec
from simulator.dump import describe
from simulator.engine import Engine
from simulator.kernel import fork
from simulator.machine import mmu
from simulator.machine.cpu import Cpu, bring_up
from simulator.mm import memremap, mmu_gather, page_alloc, pins, shmem, userfaultfd
from simulator.observer import Observer
from simulator.ops import OP_FORK
from simulator.oracles.listener import Oracles
from simulator.outcome import Outcome
from simulator.scenario import DEVICES, NR_USER_ACTORS, PARK, Directive, Scenario
from simulator.sched import core
from simulator.sched.strategy import Strategy
from simulator.state import Kernel
from simulator.task import READY, Planned, Schedule, Task
from simulator.trace import Tracer

# Steps that a run may take before the schedule becomes fair: generous, so that only runs that
# make no progress get there.
STEPS_BASE: Final = 20_000
STEPS_PER_OP: Final = 2_000
STEPS_PER_PAGE: Final = 16
_SPREAD: Final = 0x9E3779B97F4A7C15  # odd; makes 16 hex digits of a digest


@final
class Machine:
    """A simulated machine. Not thread-safe."""

    def __init__(self) -> None:
        self.k: Kernel = Kernel()
        self.k.above = Engine()
        self.oracles: Oracles = Oracles()
        self.k.watch = self.oracles
        self.tracer: Tracer | None = None  # of the last run
        self.after: str = ""  # trace only: the state at its end

    @property
    def counters(self) -> "vec[u8]":
        """The feedback map (features.COUNTERS_SIZE counters); never replaced."""
        return self.k.counters

    def clear_counters(self) -> None:
        """Zero the feedback map, as libFuzzer does by itself before each execution."""
        self.k.clear_counters()

    def sites_seen(self) -> dict[str, int]:
        """How often each site was passed, over all runs of this Machine."""
        return {name: self.k.sites_seen[i] for i, name in enumerate(sites.NAMES) if name}

    def sites_left(self) -> dict[str, int]:
        """How often an actor was preempted at each site, over all runs of this Machine."""
        return {name: self.k.sites_left[i] for i, name in enumerate(sites.NAMES) if name}

    def named_seen(self) -> dict[str, int]:
        """How often each named rare situation came up, over all runs."""
        return {name: self.k.named_seen[i] for i, name in enumerate(features.NAMED_SITUATIONS)}

    def run(
        self,
        scenario: Scenario,
        strategy: Strategy | None = None,
        trace: bool = False,
        observer: Observer | None = None,
        goes_on: bool = False,
    ) -> Outcome:
        """Run a valid scenario to its end or to the first Violation.

        With a `strategy` the scenario's own directives are ignored and what the strategy
        decided is in `Outcome.recorded`. `trace` keeps every step for people. An `observer`
        is shown the machine after each op. With `goes_on` a broken promise is noted and the run
        goes on, as a real kernel does; what the model does then may be an exception.
        """
        self.execute(scenario, strategy, trace, observer, goes_on)
        return self.outcome(scenario)

    @property
    def decided(self) -> list[Planned]:
        """What the strategy of the last run did; `index` is the op's uid."""
        return self.k.sched.recorded

    def outcome(self, scenario: Scenario) -> Outcome:
        """The Outcome of what `execute` ran last."""
        return collect(self.k, scenario, self.tracer, self.after)

    def execute(
        self,
        scenario: Scenario,
        strategy: Strategy | None = None,
        trace: bool = False,
        observer: Observer | None = None,
        goes_on: bool = False,
    ) -> None:
        """The same, for who runs many scenarios and wants to know little of most."""
        k = self.k
        tracer = Tracer() if trace else None
        self.tracer = tracer
        k.watch = self.oracles if tracer is None else tracer
        set_up(k, scenario, strategy, trace)
        k.sched.observer = observer
        k.sched.goes_on = goes_on
        k.hub = greenlet.getcurrent()
        try:
            self.go(k)
        except Exception:
            self.throw_away_stacks(k)  # so that the machine can go on with the next run
            raise
        self.after = describe(k) if trace else ""
        self.throw_away_stacks(k)
        if k.sched.failed is not None:
            k.fold(k.sched.failed.step)

    def stop(self) -> None:
        """End the run that is under way; for a strategy that has seen enough of it. Its Outcome
        says nothing. Never returns to the caller."""
        self.k.sched.over = True
        hub = self.k.hub
        assert hub is not None
        hub.switch()

    def go(self, k: Kernel) -> None:
        """Switch to an executor; it comes back when the run is over."""
        stack = k.idle_stacks.pop() if k.idle_stacks else k.above.new_executor(k)
        k.busy_stacks.append(stack)
        if stack:
            stack.switch()
        else:
            stack.switch(k)

    def throw_away_stacks(self, k: Kernel) -> None:
        """After a violation ops hang in the middle: unwind them, nothing of them counts."""
        stacks: list[greenlet] = []
        if k.busy_stacks:
            # The idle ones too: a greenlet begins as deep in CPython's count of recursion as
            # the one that starts it, and heirs of survivors would come to its limit.
            stacks = k.busy_stacks + k.idle_stacks
            k.busy_stacks = []
            k.idle_stacks = []
        here = greenlet.getcurrent()
        for stack in stacks:
            if stack.dead:  # of an exception
                continue
            stack.parent = here  # where a dying greenlet goes on
            stack.throw()
        for t in k.tasks:
            t.stack = None


def set_up(k: Kernel, scenario: Scenario, strategy: Strategy | None, trace: bool) -> None:
    """Bring the Kernel to the state before the first op. Each subsystem resets what is its own."""
    k.begin(scenario.config, strategy, trace)
    k.sched = Schedule(list(scenario.ops), len(scenario.directives))
    mmu.reset(k)
    page_alloc.reset(k)
    memremap.reset(k)
    k.tables.reset()
    mmu_gather.reset(k)
    k.vmas.reset()
    k.anon_vmas.reset()
    k.mms = []
    shmem.reset(k)
    pins.reset(k)
    userfaultfd.reset(k)
    k.watch.run_begins(k)
    if strategy is None:
        set_up_plan(k.sched, scenario)
    set_up_actors(k, scenario)
    set_up_limits(k, scenario)
    if strategy is not None:
        strategy.begin(len(scenario.ops))


def set_up_limits(k: Kernel, scenario: Scenario) -> None:
    """How long the run may go on."""
    s = k.sched
    s.fair_steps = core.FAIR_STEPS + core.FAIR_STEPS_PER_PAGE * k.nr_arena
    limit = STEPS_BASE + STEPS_PER_OP * len(scenario.ops) + STEPS_PER_PAGE * k.nr_arena
    s.max_steps = scenario.config.steps or limit
    s.alarm_due = 0 if k.tracing else s.max_steps
    k.alarm = s.alarm_due


def set_up_plan(s: Schedule, scenario: Scenario) -> None:
    """The directives planned for each op."""
    i: i64 = 0
    for index, d in enumerate(scenario.directives):
        i = place_of(s, d.uid, i)
        if s.plan[i] is s.no_plan:
            s.plan[i] = []
        arg: i64 = d.arg
        if d.kind == PARK:
            arg = place_of(s, d.arg, i)
        s.plan[i].append(Planned(index, sites.BY_NAME[d.site], d.visit, d.kind, arg))


def place_of(s: Schedule, uid: i64, near: i64) -> i64:
    """The index of an op that is there. Looked for from `near` on: directives mostly stand in
    the order of their ops."""
    i = near
    while s.ops[i].uid != uid:
        i += 1
        if i == len(s.ops):
            i = 0
    return i


def set_up_actors(k: Kernel, scenario: Scenario) -> None:
    """Actors, their CPUs, and the first process: T0 and the threads that no fork names."""
    for t in k.tasks:
        t.reset()
    children: i64 = 0
    used: i64 = 1
    for i, op in enumerate(scenario.ops):
        t = k.tasks[op.actor]
        t.ops.append(i)
        used |= 1 << op.actor
        if op.code == OP_FORK:
            children |= 1 << op.args[0]
            used |= 1 << op.args[0]
    placed = dict(scenario.config.placement)
    rank: i64 = 0
    nr_cpus: i64 = 0
    taken: i64 = 0
    shared = False
    mm = fork.mm_alloc(k)
    mm.users = 0
    for t in k.tasks:
        if not (used >> t.id) & 1:
            continue
        cpu = placed.get(t.id, -1)
        if cpu < 0:
            cpu = rank % scenario.config.cpus if scenario.config.cpus else rank
        rank += 1
        t.cpu = cpu
        nr_cpus = max(nr_cpus, cpu + 1)
        if (taken >> cpu) & 1:
            shared = True
        taken |= 1 << cpu
        if not t.ops:
            t.pos = len(scenario.ops)
        else:
            t.pos = t.ops[0]
            k.sched.runnable |= 1 << t.id
        if (children >> t.id) & 1:
            continue
        t.state = READY
        k.sched.existing |= 1 << t.id
        if t.id < NR_USER_ACTORS:
            t.mm = mm
            mm.users += 1
    bring_up(k, max(nr_cpus, 1), shared)
    for t in k.tasks:
        cpu_t = k.cpus[t.cpu]
        if t.mm is not None and cpu_t.curr < 0:
            boot_on(cpu_t, t)
    for device in DEVICES:
        if (used >> device) & 1:
            syscalls.open_device(k, k.tasks[device], mm)
    k.cur = k.tasks[0]


def boot_on(cpu: Cpu, t: Task) -> None:
    """The first thread of a CPU has already been switched to when the scenario starts."""
    mm = t.mm
    assert mm is not None
    cpu.curr = t.id
    cpu.loaded_mm = mm
    cpu.cr3 = mm
    cpu.ctx_mm[0] = mm.id
    cpu.ctx_gen[0] = mm.tlb_gen
    mm.cpumask |= 1 << cpu.id
    mm.cached |= 1 << cpu.id


def collect(k: Kernel, scenario: Scenario, tracer: Tracer | None, after: str) -> Outcome:
    """The Outcome of the run that is over."""
    violation = k.sched.failed
    recorded = [
        Directive(p.index, sites.NAMES[p.site], p.visit, p.kind, p.arg) for p in k.sched.recorded
    ]
    dead: list[Directive] = []
    if k.strategy is None:
        dead = [d for i, d in enumerate(scenario.directives) if not k.sched.used[i]]
    return Outcome(
        violation,
        f"{int(k.digest) * _SPREAD % 2**64:016x}",
        k.nr_steps,
        list(k.sched.results),
        dead,
        recorded,
        [] if tracer is None else tracer.events,
        "" if tracer is None else tracer.state_before,
        after,
    )
