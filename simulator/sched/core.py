# SPDX-License-Identifier: MIT
"""The scheduler: which actor runs, where it is interrupted, and what that is recorded as.

Actors are not greenlets; suspended ops are. An executor (a greenlet of the engine's) runs op after
op of whatever actor comes next, and only an op that is interrupted keeps its executor as its stack
while another one goes on. So a scenario without directives never switches stacks.

Order: the running actor goes on until a directive says otherwise, it blocks, parks, or its op
ends; then the runnable actor whose unfinished or next op stands first in the text.
"""

from typing import TYPE_CHECKING, Final

from greenlet import getcurrent, greenlet
from mypy_extensions import i64

from simulator import ops, sites
from simulator.objects import OBJ_NONE
from simulator.outcome import Signature, Violation
from simulator.scenario import FAIL, IPI, NR_ACTORS, PARK, SWITCH, TLB
from simulator.state import READ
from simulator.task import BLOCKED, PARKED, READY, Planned, Task

if TYPE_CHECKING:
    from simulator.machine.cpu import Cpu
    from simulator.state import Kernel

# Steps that a fair schedule may take without one op ending before it is a livelock (O10): many
# actors may be at work on all pages of the arena at once, for some 30 steps each.
FAIR_STEPS: Final = 6_000
FAIR_STEPS_PER_PAGE: Final = 30 * NR_ACTORS
# Turns of a fair schedule, in steps: coprime, so that two loops cannot stay in step.
FAIR_TURNS: Final = (5, 3, 7, 2, 11, 13, 1, 17)
# Rounds of a loop that find nothing changed before an actor counts as stuck: one may be lost to
# a race that somebody else has won.
IDLE_ROUNDS: Final = 3
# Oracles after which nobody can go on.
DEAD_ENDS: Final = ("deadlock", "livelock")
NO_ALARM: Final = 1 << 60


class Upcalls:
    """What the scheduler leaves to those who stand above it; the engine hands in its own."""

    def new_executor(self, k: "Kernel") -> greenlet:
        """A greenlet that runs ops of whatever actor comes next, when it is switched to with
        the Kernel."""
        raise NotImplementedError

    def context_switch(self, k: "Kernel", cpu: "Cpu", t: Task) -> None:
        """The CPU goes over to `t`."""
        raise NotImplementedError

    def enter_idle(self, k: "Kernel", t: Task) -> None:
        """`t` sleeps, and nobody else wants its CPU."""
        raise NotImplementedError

    def deliver_due(self, k: "Kernel", now: i64) -> None:
        """Late IPIs arrive whose time has come."""
        raise NotImplementedError

    def holder_of_irqs(self, k: "Kernel", source: i64) -> i64:
        """The actor on whose irq-off CPU an IPI of `source` waits; -1 when it is only late."""
        raise NotImplementedError

    def close_userfaultfds(self, k: "Kernel") -> None:
        """Nobody is left who could resolve what the actors wait for: close all of them."""
        raise NotImplementedError


# --- running ------------------------------------------------------------------------------


def park_executor(k: "Kernel", me: greenlet) -> None:
    k.busy_stacks.remove(me)
    k.idle_stacks.append(me)


def arm(k: "Kernel", t: Task) -> None:
    """Set the step at which `t` takes the slow path: all of them while its op is watched."""
    k.alarm = k.sched.alarm_due
    if t.watch:
        k.alarm = 0


def set_current(k: "Kernel", t: Task) -> None:
    """`t` runs now, on its CPU, which switches to it where it ran something else."""
    k.cur = t
    arm(k, t)
    cpu = k.cpus[t.cpu]
    if cpu.curr != t.id or cpu.is_lazy or (t.mm is not None and cpu.loaded_mm is not t.mm):
        site = t.site
        k.above.context_switch(k, cpu, t)
        t.site = site  # where its op is; so below


def pick(k: "Kernel") -> Task | None:
    """The runnable actor whose op stands first in the text; None when nothing is left."""
    while True:
        best: Task | None = None
        mask = may_run(k, k.sched.runnable & ~k.sched.being_forked)
        i: i64 = 0
        while mask:
            if mask & 1:
                t = k.tasks[i]
                if best is None or t.pos < best.pos:
                    best = t
            mask >>= 1
            i += 1
        if best is not None:
            return best
        if k.sched.parked:
            unpark_all(k)
            continue
        if k.sched.ipi_due:
            k.above.deliver_due(k, NO_ALARM)
            if k.sched.runnable:
                continue
        if k.sched.blocked:
            if k.uffd_contexts and wake_userfault_waiter(k):
                continue
            deadlock(k)
        return None


def wake_userfault_waiter(k: "Kernel") -> bool:
    """Part of the End: the first of those who wait for user space wakes to close every userfaultfd;
    False: nobody waits for one."""
    for t in k.tasks:
        if t.userfault:
            t.closes_uffds = True
            wake(k, 1 << t.id)
            return True
    return False


def may_run(k: "Kernel", mask: i64) -> i64:
    """Without actors whose CPU is in the hands of another one that cannot be preempted."""
    if not k.shared_cpus:
        return mask
    out: i64 = 0
    i: i64 = 0
    rest = mask
    while rest:
        if rest & 1:
            curr = k.cpus[k.tasks[i].cpu].curr
            if curr < 0 or curr == i or k.tasks[curr].preempt_count == 0:
                out |= 1 << i
        rest >>= 1
        i += 1
    return out


def switch_to(k: "Kernel", target: Task) -> None:
    """Suspend the current op and let `target` run; returns when somebody resumes it."""
    t = k.cur
    me = getcurrent()
    t.stack = me
    stack = target.stack
    if stack is not None:
        target.stack = None
    else:
        k.sched.hint = target
        if k.idle_stacks:
            stack = k.idle_stacks.pop()
        else:
            stack = k.above.new_executor(k)
        k.busy_stacks.append(stack)
        if not stack:  # not started yet
            stack.switch(k)
            set_current(k, t)
            return
    stack.switch()
    set_current(k, t)


def give_way(k: "Kernel") -> None:
    """The current actor cannot go on: run whoever comes next."""
    target = pick(k)
    if target is None:
        deadlock(k)
        return
    if target is k.cur:
        set_current(k, target)
        return
    switch_to(k, target)


def block(k: "Kernel", holder: i64, cls: i64, obj: i64, *, sleeps: bool) -> None:
    """The current actor waits until `wake` names it: for a lock of class `cls`, 0 an IPI, which
    `obj` has or is. `holder` is the actor it waits for, or -1; `sleeps` is False for spinning,
    which keeps the CPU busy."""
    t = k.cur
    bit: i64 = 1 << t.id
    t.state = BLOCKED
    t.waits_for = holder
    t.waits_class = cls
    k.sched.runnable &= ~bit
    k.sched.blocked |= bit
    if k.tracing:
        k.watch.blocked(k, cls, obj, holder)
    lock_cycle(k, t)
    if sleeps:
        site = t.site
        s = k.strategy
        if s is not None:
            s.sleeps(t.id)
        k.above.enter_idle(k, t)
        t.site = site
    give_way(k)


def wake(k: "Kernel", mask: i64) -> None:
    """Make the blocked actors in `mask` runnable; they try again what they waited for."""
    mask &= k.sched.blocked
    k.sched.blocked &= ~mask
    k.sched.runnable |= mask
    i: i64 = 0
    while mask:
        if mask & 1:
            t = k.tasks[i]
            t.state = READY
            t.waits_for = -1
        mask >>= 1
        i += 1


def unpark_all(k: "Kernel") -> None:
    for t in k.tasks:
        if t.state == PARKED:
            t.state = READY
            t.parked_until = -1
    k.sched.runnable |= k.sched.parked
    k.sched.parked = 0


def started(k: "Kernel", child: Task) -> None:
    """A forked actor exists from now on; ops of it that came before the fork were skipped."""
    child.state = READY
    k.sched.being_forked &= ~(1 << child.id)
    k.sched.existing |= 1 << child.id
    if child.next < len(child.ops):
        k.sched.runnable |= 1 << child.id


def op_ended(k: "Kernel", op_index: i64) -> None:
    """Wake the actors that a directive parked until this op; the fair clock starts anew."""
    k.sched.nr_ended += 1
    k.sched.fair_left = k.sched.fair_steps
    if k.sched.parked:
        for t in k.tasks:
            if t.state == PARKED and t.parked_until == op_index:
                t.state = READY
                t.parked_until = -1
                k.sched.parked &= ~(1 << t.id)
                k.sched.runnable |= 1 << t.id


# --- the slow path of a step -----------------------------------------------------------------


def interpose(k: "Kernel", t: Task, site: i64, obj: i64, access: i64) -> None:
    """Whatever may come in between at this step."""
    n = k.nr_steps
    if k.sched.ipi_due and n >= k.sched.ipi_due:
        k.above.deliver_due(k, n)
    if k.tracing:
        k.watch.stepped(k, t, site, obj, access)
    if k.sched.fair:
        fair_step(k, t, site)
        return
    if n >= k.sched.max_steps:
        become_fair(k)
        return
    if not t.watch or k.sched.ending:
        return
    visit = t.visits[site] + 1
    t.visits[site] = visit
    if visit == 1:
        t.visited[t.nr_visited] = site
        t.nr_visited += 1
    s = k.strategy
    if s is not None:
        s.pend_site[t.id] = site
        s.pend_pos[t.id] = t.pos
        s.pend_visit[t.id] = visit
        mask = k.sched.runnable & k.sched.existing
        if mask != 1 << t.id:
            mask = may_run(k, mask)
        chosen = s.choose(t.id, site, obj, access, mask)
        if chosen != t.id and (mask >> chosen) & 1:
            k.sched.recorded.append(Planned(t.uid, site, visit, SWITCH, chosen))
            preempt(k, t, chosen, site)
        return
    t.inject_fail = False
    t.inject_tlb = 0
    t.inject_ipi = 0
    target: i64 = -1
    for d in t.planned:
        if d.site == site and d.visit == visit:
            if d.kind == SWITCH:
                target = d.arg
                mask = may_run(k, k.sched.runnable & k.sched.existing)
                if target == t.id or not (mask >> target) & 1:
                    target = -1
                else:
                    k.sched.used[d.index] = 1
            elif d.kind == PARK:
                if not k.sched.op_done[d.arg] and k.sched.ops[d.arg].actor != t.id:
                    k.sched.used[d.index] = 1
                    t.parked_until = d.arg
            elif d.kind == FAIL:
                t.inject_fail = True
                t.inject_index = d.index
            elif d.kind == TLB:
                t.inject_tlb = d.arg
                t.inject_index = d.index
            elif d.kind == IPI:
                t.inject_ipi = d.arg
                t.inject_index = d.index
    if t.parked_until < 0 and target < 0:
        return
    # Coming back may mean a context switch, whose steps must not use up what is meant for
    # the access of this one.
    fails = t.inject_fail
    entry = t.inject_tlb
    late = t.inject_ipi
    index = t.inject_index
    if t.parked_until >= 0:
        park(k, t)
    else:
        preempt(k, t, target, site)
    t.inject_fail = fails
    t.inject_tlb = entry
    t.inject_ipi = late
    t.inject_index = index


def preempt(k: "Kernel", t: Task, target: i64, site: i64) -> None:
    k.feature_preempt(site, target)
    if k.tracing:
        k.watch.preempted(k, t, site, target)
    switch_to(k, k.tasks[target])


def park(k: "Kernel", t: Task) -> None:
    bit: i64 = 1 << t.id
    if k.sched.runnable & ~bit == 0:
        t.parked_until = -1
        return
    t.state = PARKED
    k.sched.runnable &= ~bit
    k.sched.parked |= bit
    give_way(k)


def record_fault(k: "Kernel", t: Task, site: i64) -> None:
    """A strategy made the allocation or trylock at the step just taken fail."""
    k.sched.recorded.append(Planned(t.uid, site, t.visits[site], FAIL, 0))


def record_choice(k: "Kernel", t: Task, site: i64, kind: i64, arg: i64) -> None:
    """A strategy chose a translation or an IPI delay at the step just taken."""
    k.sched.recorded.append(Planned(t.uid, site, t.visits[site], kind, arg))


# --- fairness and liveness -------------------------------------------------------------------


def become_fair(k: "Kernel") -> None:
    """From here on everybody gets turns, and only progress keeps the run alive."""
    k.sched.fair = True
    k.sched.fair_left = k.sched.fair_steps
    k.sched.alarm_due = 0
    k.alarm = 0
    if k.sched.parked:
        unpark_all(k)


def idle_round(k: "Kernel", t: Task, site: i64) -> None:
    """`t` has gone round its loop once more and met the same. When all who are inside an op
    have gone round like this since an op last ended, they keep each other from getting on."""
    stuck: i64 = 0
    for u in k.tasks:
        if u.in_op:
            if u.idle_rounds < IDLE_ROUNDS or u.idle_since != k.sched.nr_ended:
                return
            stuck += 1
    if stuck > 1:
        k.violate(
            "livelock",
            site,
            "page",
            f"{stuck} actors went round {IDLE_ROUNDS} times each and found the page they fault "
            "on unchanged: each undoes what the others need",
        )


def fair_turn(k: "Kernel", t: Task, site: i64) -> None:
    """One more round of a retry loop that has gone on for long."""
    if not k.sched.fair:
        become_fair(k)
    k.step(site, OBJ_NONE, READ)


def fair_step(k: "Kernel", t: Task, site: i64) -> None:
    k.sched.fair_left -= 1
    if k.sched.fair_left <= 0:
        worst = t
        for u in k.tasks:
            if u.in_op and u.retries > worst.retries:
                worst = u
        k.violate(
            "livelock",
            worst.retried_at if worst.retries else worst.site,
            "mm",
            f"no op ended in {k.sched.fair_steps} steps of a fair schedule; "
            f"op {worst.uid} went round {worst.retries} times",
        )
        return
    k.sched.turn_left -= 1
    if k.sched.turn_left > 0 or k.sched.ending:
        return
    k.sched.turn = (k.sched.turn + 1) % len(FAIR_TURNS)
    k.sched.turn_left = FAIR_TURNS[k.sched.turn]
    mask = may_run(k, k.sched.runnable & k.sched.existing)
    i: i64 = (t.id + 1) % len(k.tasks)
    while i != t.id:
        if (mask >> i) & 1:
            switch_to(k, k.tasks[i])
            return
        i = (i + 1) % len(k.tasks)


def lock_cycle(k: "Kernel", t: Task) -> None:
    """Deadlock among some actors while others still run: follow who waits for whom."""
    u = t.waits_for
    hops: i64 = 0
    while u >= 0 and hops <= len(k.tasks):
        if u == t.id:
            deadlock(k)
            return
        other = k.tasks[u]
        if other.state != BLOCKED:
            return
        u = other.waits_for if other.waits_class else k.above.holder_of_irqs(k, other.id)
        hops += 1


def deadlock(k: "Kernel") -> None:
    parts: list[str] = []
    first: Task | None = None
    for t in k.tasks:
        if t.state == BLOCKED:
            if first is None or t.pos < first.pos:
                first = t
            parts.append(
                f"{sites.ACTOR_LABELS[t.id]} waits for {sites.lock_label(t.waits_class)} at "
                f"{sites.NAMES[t.site]}"
                + (f" held by {sites.ACTOR_LABELS[t.waits_for]}" if t.waits_for >= 0 else "")
            )
    assert first is not None
    culprit = first.site
    if first.waits_for >= 0 and k.tasks[first.waits_for].state != BLOCKED:
        culprit = k.tasks[first.waits_for].took[first.waits_class]  # it goes on and keeps the lock
    k.violate("deadlock", culprit, sites.lock_label(first.waits_class), "; ".join(parts))


def blamed(k: "Kernel", culprit: i64) -> str:
    """The kernel function of a site. Where nobody has kept a record of who did it, it is the one
    that the op called, for `op` is none; at the End, what takes processes apart."""
    if culprit > sites.OP__END:
        return sites.FUNCTION[culprit]
    t = k.cur
    entry = sites.EXIT_MMAP__BEGIN
    if t.in_op:
        entry = ops.BY_NUMBER[k.sched.ops[t.pos].code].entry
    return sites.FUNCTION[entry]


def fail(k: "Kernel", oracle: str, culprit: i64, cls: str, promise: str) -> None:
    """Freeze the outcome and leave for the hub; the stacks are thrown away from there. In a run
    that goes on, note the first and return."""
    s = k.sched
    if s.failed is None and not s.over:
        signature = Signature(oracle, blamed(k, culprit), cls)
        s.failed = Violation(signature, promise, k.cur.uid, k.nr_steps)
        if k.tracing:
            k.watch.failed(k, oracle, promise)
    if s.goes_on and oracle not in DEAD_ENDS:
        return
    s.over = True
    hub = k.hub
    assert hub is not None
    hub.switch()
