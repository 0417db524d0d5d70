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
from simulator.bugs import BugFlags, set_bug
from simulator.build.native import final, vec
from simulator.dump import describe
from simulator.engine import Engine
from simulator.kernels import KERNELS
from simulator.machine.cpu import Cpu
from simulator.mm import memremap, pins
from simulator.mm.mm_types import reset_inode
from simulator.observer import Observer
from simulator.ops import OP_FORK
from simulator.oracles.listener import Oracles
from simulator.outcome import UNFINISHED, Outcome, Signature, Violation
from simulator.scenario import DEVICE, NR_ACTORS, NR_USER_ACTORS, PARK, Directive, Scenario
from simulator.sched import core
from simulator.sched.strategy import Strategy
from simulator.state import ABSENT, LAST_SIZE, READY, Kernel, Planned, Task
from simulator.trace import Tracer
from simulator.validate import arena_pages

# Steps that a run may take before the schedule becomes fair: generous, so that only runs that
# make no progress get there.
STEPS_BASE = 20_000
STEPS_PER_OP = 2_000
STEPS_PER_PAGE = 16
_SPREAD: Final = 0x9E3779B97F4A7C15  # odd; makes 16 hex digits of a digest


@final
class Machine:
    """A simulated machine. Not thread-safe."""

    def __init__(self) -> None:
        self.k: Kernel = Kernel()
        self.k.above = Engine()
        self.oracles: Oracles = Oracles()
        self.hub: greenlet | None = None

    @property
    def counters(self) -> "vec[u8]":
        """The feedback map (features.COUNTERS_SIZE counters); never replaced."""
        return self.k.counters

    def clear_counters(self) -> None:
        """Zero the feedback map, as libFuzzer does by itself before each execution."""
        counters = self.k.counters
        for i in range(features.COUNTERS_SIZE):
            counters[i] = u8(0)

    def sites_seen(self) -> dict[str, int]:
        """How often each site was passed, over all runs of this Machine."""
        return {name: self.k.sites_seen[i] for i, name in enumerate(sites.NAMES) if name}

    def named_seen(self) -> dict[str, int]:
        """How often each named rare situation came up, over all runs."""
        return {
            name: self.k.named_seen[i] for i, name in enumerate(features.NAMED_SITUATIONS)
        }

    def run(
        self, scenario: Scenario, strategy: Strategy | None = None, trace: bool = False,
        observer: Observer | None = None,
    ) -> Outcome:
        """Run a valid scenario to its end or to the first Violation.

        With a `strategy` the scenario's own directives are ignored and what the strategy
        decided is in `Outcome.recorded`. `trace` keeps every step for people. An `observer`
        is shown the machine after each op.
        """
        k = self.k
        set_up(k, scenario, strategy, trace)
        tracer = Tracer() if trace else None
        k.watch = self.oracles if tracer is None else tracer
        k.observer = observer
        k.hub = greenlet.getcurrent()
        try:
            self.go(k)
        except Exception:
            self.throw_away_stacks(k)  # so that the machine can go on with the next run
            raise
        after = describe(k) if trace else ""
        self.throw_away_stacks(k)
        return collect(k, scenario, tracer, after)

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
    """Bring the Kernel to the state before the first op."""
    c = scenario.config
    large = c.pmd_order == 9
    k.run_number += 1
    k.pmd_order = c.pmd_order
    k.ptrs_per_pte = 1 << c.pmd_order
    k.nr_frames = c.frames
    k.nr_arena = arena_pages(c)
    k.stack_gap = c.stack_gap or (256 if large else 1)
    k.folio_batch = c.folio_batch or (31 if large else 2)
    k.gather_batch = c.gather_batch or (512 if large else 4)
    k.flush_ceiling = c.flush_ceiling or (33 if large else 4)
    k.linux = KERNELS[c.kernel]
    k.bug = BugFlags()
    for bug in c.bugs:
        set_bug(k.bug, bug)
    k.reset_pools()
    k.nr_steps = 0
    k.digest = 1
    k.last_access = vec[i64]([0] * LAST_SIZE)
    k.seq = 0
    k.tokens = 0
    k.runnable = 0
    k.existing = 0
    k.being_forked = 0
    k.parked = 0
    k.blocked = 0
    k.ipi_due = 0
    k.fair = False
    k.fair_steps = core.FAIR_STEPS + core.FAIR_STEPS_PER_PAGE * k.nr_arena
    k.turn = 0
    k.turn_left = 0
    k.nr_ended = 0
    k.nr_begun = 0
    k.nr_inside = 0
    k.ending = False
    k.over = False
    k.hint = None
    k.strategy = strategy
    k.tracing = trace
    if k.recorded:
        k.recorded = []
    k.failed_oracle = ""
    if k.rcu_tables:
        k.rcu_tables = []
        k.rcu_masks = []
    for inode in k.inodes:
        reset_inode(inode)
    k.other_files = []
    k.shared_anon = []
    pins.reset(k)
    memremap.reset(k)
    set_up_ops(k, scenario)
    set_up_actors(k, scenario)
    limit = STEPS_BASE + STEPS_PER_OP * len(scenario.ops) + STEPS_PER_PAGE * k.nr_arena
    k.max_steps = c.steps or limit
    k.alarm_due = 0 if trace else k.max_steps
    k.alarm = k.alarm_due
    if strategy is not None:
        strategy.begin(len(scenario.ops))


def set_up_ops(k: Kernel, scenario: Scenario) -> None:
    """Tables by op index, and the directives planned for each."""
    n = len(scenario.ops)
    k.ops = list(scenario.ops)
    k.results = [UNFINISHED] * n
    k.op_done = vec[i64]([0] * n)
    k.used = vec[i64]([0] * len(scenario.directives))
    k.plan = [k.no_plan] * n
    if k.strategy is not None:
        return
    i: i64 = 0
    for index, d in enumerate(scenario.directives):
        i = place_of(k, d.uid, i)
        if k.plan[i] is k.no_plan:
            k.plan[i] = []
        arg: i64 = d.arg
        if d.kind == PARK:
            arg = place_of(k, d.arg, i)
        k.plan[i].append(Planned(index, sites.BY_NAME[d.site], d.visit, d.kind, arg))


def place_of(k: Kernel, uid: i64, near: i64) -> i64:
    """The index of an op that is there. Looked for from `near` on: directives mostly stand in
    the order of their ops."""
    i = near
    while k.ops[i].uid != uid:
        i = i + 1 if i + 1 < len(k.ops) else 0
    return i


def set_up_actors(k: Kernel, scenario: Scenario) -> None:
    """Actors, their CPUs, and the first process: T0 and the threads that no fork names."""
    for t in k.tasks:
        reset_task(t)
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
    k.shared_cpus = False
    taken: i64 = 0
    mm = k.take_mm()
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
            k.shared_cpus = True
        taken |= 1 << cpu
        if not t.ops:
            t.pos = len(scenario.ops)
        else:
            t.pos = t.ops[0]
            k.runnable |= 1 << t.id
        if (children >> t.id) & 1:
            continue
        t.state = READY
        k.existing |= 1 << t.id
        if t.id < NR_USER_ACTORS:
            t.mm = mm
            mm.users += 1
    set_up_cpus(k, max(nr_cpus, 1))
    for t in k.tasks:
        cpu_t = k.cpus[t.cpu]
        if t.mm is not None and cpu_t.curr < 0:
            boot_on(cpu_t, t)
    if (used >> DEVICE) & 1:
        syscalls.open_device(k, k.tasks[DEVICE], mm)
    k.cur = k.tasks[0]


def reset_task(t: Task) -> None:
    t.state = ABSENT
    t.mm = None
    if t.ops:
        t.ops = []
    t.next = 0
    t.in_op = False
    t.pos = 0
    t.uid = 0
    t.cpu = 0
    t.device = None
    t.stack = None
    t.site = 0
    t.retries = 0
    t.watch = False
    t.parked_until = -1
    t.inject_fail = False
    t.inject_tlb = 0
    t.inject_ipi = 0
    t.preempt_count = 0
    t.rcu_readers = 0
    t.waits_for = -1
    t.in_switch = False
    t.acks_missing = 0
    t.gathering = 0
    t.through_stale = None
    t.nr_recheck = 0
    if t.held_mask:
        t.held_mask = 0
        for i in range(len(t.held)):
            t.held[i] = 0


def set_up_cpus(k: Kernel, n: i64) -> None:
    k.nr_cpus = n
    while len(k.cpu_pool) < n:
        k.cpu_pool.append(Cpu(len(k.cpu_pool)))
    k.cpus = k.cpu_pool[:n]
    for cpu in k.cpus:
        cpu.reset()


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
    violation: Violation | None = None
    if k.failed_oracle:
        k.fold(k.failed_step)
        violation = Violation(
            Signature(k.failed_oracle, k.failed_culprit, k.failed_class), k.failed_promise,
            k.failed_uid, k.failed_step,
        )
    recorded = [
        Directive(p.index, sites.NAMES[p.site], p.visit, p.kind, p.arg) for p in k.recorded
    ]
    dead: list[Directive] = []
    if k.strategy is None:
        dead = [d for i, d in enumerate(scenario.directives) if not k.used[i]]
    k.strategy = None
    return Outcome(
        violation, f"{int(k.digest) * _SPREAD % 2**64:016x}", k.nr_steps,
        list(k.results), dead, recorded,
        [] if tracer is None else tracer.events, "" if tracer is None else tracer.state_before,
        after,
    )


assert len(sites.ACTOR_LABELS) == NR_ACTORS
