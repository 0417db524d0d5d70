# SPDX-License-Identifier: MIT
"""Small changes to a scenario: its ops, its schedule, faults, its machine.

Contract: `mutate` never raises; the result passes `simulator.validate` and is within the fuzz
limits. It is a function of its arguments and random numbers. Ops keep their uids, so the
directives of untouched ops go on meaning what they meant. `hints` (what earlier runs have
shown) make new directives land; without them most new directives are at `op:begin`.

It does not promise that the result differs from the origin.
"""

from typing import Final

from mypy_extensions import i64

from fuzz.draft import Draft
from fuzz.generate import (
    WEIGHTS,
    generate,
    pick_code,
    pick_config,
    pick_frames,
    pick_tunable,
    weights_with,
)
from fuzz.hints import VISIT_SCALE, Conflict, Hints
from fuzz.operands import make_args, make_slot
from fuzz.rng import Rng
from fuzz.sketch import Sketch
from fuzz.slots import ACTORS_OF_CODE, MAX_SLOTS, NR_SLOTS, PAGE_SLOT, START, WHAT, WORD_SLOT, fit
from simulator.ops import OP_EXIT, OP_FORK, OP_KILL
from simulator.scenario import (
    DEVICES,
    FAIL,
    IPI,
    NR_USER_ACTORS,
    PARK,
    SWITCH,
    TLB,
    WORDS_PER_PAGE,
    Config,
    Directive,
    Op,
    Scenario,
)
from simulator.sites import NAMES, OP__BEGIN

# The mutations and their weights: ops 45, schedule 40, faults and hardware 10, machine 5.
_REPLACE_ARG: Final[i64] = 0
_REPLACE_OP: Final[i64] = 1
_INSERT: Final[i64] = 2
_DELETE: Final[i64] = 3
_DUPLICATE: Final[i64] = 4
_SWAP: Final[i64] = 5
_MOVE_ACTOR: Final[i64] = 6
_DEVICES: Final[list[int]] = list(DEVICES)
_SPLICE: Final[i64] = 7
_FLIP: Final[i64] = 8
_FLIP_SEVERAL: Final[i64] = 9
_ADD: Final[i64] = 10
_REMOVE: Final[i64] = 11
_SHIFT: Final[i64] = 12
_RETARGET: Final[i64] = 13
_CLEAR_SUFFIX: Final[i64] = 14
_FAULT: Final[i64] = 15
_MACHINE: Final[i64] = 16
_WEIGHTS: Final[list[int]] = [14, 6, 8, 6, 4, 3, 2, 2, 14, 4, 6, 4, 5, 3, 4, 10, 5]
# Large scenarios shrink again: small ones run faster and hide less behind noise.
LARGE: Final[i64] = 20  # ops
_WEIGHTS_LARGE: Final[list[int]] = [12, 5, 4, 16, 2, 3, 2, 1, 14, 4, 6, 4, 5, 3, 4, 10, 5]

_MAX_STACKED: Final[i64] = 6  # mutations of one call
_MAX_SPLICED: Final[i64] = 8  # ops taken from a donor
_MAX_IPI_DELAY: Final[i64] = 64  # steps: about as long as an op


def mutate(
    scenario: Scenario,
    rng: Rng,
    donor: Scenario | None = None,
    hints: Hints | None = None,
    wanted: list[int] | None = None,
) -> Scenario:
    """A changed scenario; at times pieces of `donor` get in. Of new ops those of the rows of
    `wanted` are likely."""
    if not scenario.ops:
        return generate(rng, 16, wanted)
    draft = Draft(scenario)
    draft.weights = WEIGHTS if wanted is None else weights_with(WEIGHTS, wanted)
    left: i64 = 1
    while left < _MAX_STACKED and rng.chance(2, 5):
        left += 1
    while left > 0:
        weights = _WEIGHTS if len(draft.ops) <= LARGE else _WEIGHTS_LARGE
        _apply(draft, rng, rng.weighted(weights), donor, hints)
        left -= 1
        if not draft.ops:
            break
    return draft.finish()


def _apply(draft: Draft, rng: Rng, which: i64, donor: Scenario | None, hints: Hints | None) -> None:
    if which == _REPLACE_ARG:
        _replace_arg(draft, rng)
    elif which == _REPLACE_OP:
        _replace_op(draft, rng)
    elif which == _INSERT:
        _insert(draft, rng)
    elif which == _DELETE:
        _delete(draft, rng)
    elif which == _DUPLICATE:
        _duplicate(draft, rng)
    elif which == _SWAP:
        _swap(draft, rng)
    elif which == _MOVE_ACTOR:
        _move_actor(draft, rng)
    elif which == _SPLICE:
        splice(draft, rng, donor if donor is not None else generate(rng, 16))
    elif which == _FLIP:
        _flip(draft, rng, hints)
    elif which == _FLIP_SEVERAL:
        count = rng.between(2, 3)
        while count > 0:
            _flip(draft, rng, hints)
            count -= 1
    elif which == _ADD:
        _add(draft, rng, hints)
    elif which == _REMOVE:
        if draft.directives:
            draft.directives.pop(rng.below(len(draft.directives)))
    elif which == _SHIFT:
        _shift(draft, rng, hints)
    elif which == _RETARGET:
        _retarget(draft, rng)
    elif which == _CLEAR_SUFFIX:
        _clear_suffix(draft, rng)
    elif which == _FAULT:
        _fault(draft, rng, hints)
    else:
        assert which == _MACHINE
        draft.config = _other_machine(draft, rng)


# --- ops ----------------------------------------------------------------------------------------


def _pick_position(draft: Draft, rng: Rng) -> i64:
    """Of an op; late ones a little more often, for early ones set the stage."""
    nr: i64 = len(draft.ops)
    return max(rng.below(nr), rng.below(nr)) if rng.chance(1, 2) else rng.below(nr)


def _replace_arg(draft: Draft, rng: Rng) -> None:
    tries: i64 = 0
    while tries < 4:
        tries += 1
        at = _pick_position(draft, rng)
        op = draft.ops[at]
        nr_slots = NR_SLOTS[op.code]
        if nr_slots == 0 or op.code == OP_FORK:
            continue
        sketch = draft.sketch(at)
        if not sketch.exists(op.actor):
            continue
        args = make_slot(sketch, rng, op.actor, op.code, rng.below(nr_slots), op.args)
        draft.ops[at] = Op(op.uid, op.actor, op.code, args)
        return


def _replace_op(draft: Draft, rng: Rng) -> None:
    """Another op of the same actor, mostly on the same pages."""
    at = _pick_position(draft, rng)
    op = draft.ops[at]
    sketch = draft.sketch(at)
    if op.code == OP_FORK or not sketch.exists(op.actor):
        return
    code = pick_code(sketch, rng, op.actor, draft.weights)
    if code == OP_FORK:
        return
    args = make_args(sketch, rng, op.actor, code)
    if rng.chance(3, 4):
        args = _same_place(code, args, op, draft.pages)
    draft.ops[at] = Op(op.uid, op.actor, code, args)


def _same_place(code: i64, args: tuple[int, ...], old: Op, pages: i64) -> tuple[int, ...]:
    """`args` with their first place in memory taken from another op, if it names one."""
    start: i64 = -1
    end: i64 = 0
    slot: i64 = 0
    while slot < NR_SLOTS[old.code] and start < 0:
        what = WHAT[old.code * MAX_SLOTS + slot]
        if what == START:
            start = old.args[slot]
            end = old.args[slot + 1]
        elif what == PAGE_SLOT:
            start = old.args[slot]
            end = start + 1
        elif what == WORD_SLOT:
            start = old.args[slot] // WORDS_PER_PAGE
            end = start + 1
        slot += 1
    if start < 0:
        return args
    new = list(args)
    slot = 0
    while slot < NR_SLOTS[code]:
        what = WHAT[code * MAX_SLOTS + slot]
        if what == START:
            new[slot] = start
            new[slot + 1] = end
            break
        if what == PAGE_SLOT:
            new[slot] = start
            break
        if what == WORD_SLOT:
            new[slot] = start * WORDS_PER_PAGE + args[slot] % WORDS_PER_PAGE
            break
        slot += 1
    return fit(code, new, pages)


def _insert(draft: Draft, rng: Rng) -> None:
    at = rng.below(len(draft.ops) + 1)
    sketch = draft.sketch(at)
    actors = draft.actors()
    actor: i64 = rng.pick(actors)
    if rng.chance(1, 8):
        actor = rng.pick(_DEVICES) if rng.chance(1, 3) else _unused_actor(actors)
    if not sketch.exists(actor):
        actor = 0
        if not sketch.exists(0):
            return
    code = pick_code(sketch, rng, actor, draft.weights)
    if code == OP_FORK:
        _insert_fork(draft, rng, at, actor, sketch)
        return
    if code in (OP_EXIT, OP_KILL) and rng.chance(3, 4):
        return
    draft.insert(at, Op(draft.new_uid(), actor, code, make_args(sketch, rng, actor, code)))


def _unused_actor(actors: list[int]) -> i64:
    actor: i64 = 1
    while actor < NR_USER_ACTORS - 1 and actor in actors:
        actor += 1
    return actor


def _insert_fork(draft: Draft, rng: Rng, at: i64, actor: i64, sketch: Sketch) -> None:
    """A fork, and one to three ops of the child at or after it."""
    child = _unused_actor(draft.actors())
    if child in draft.actors() or child == actor:
        return
    fork = Op(draft.new_uid(), actor, OP_FORK, (child,))
    draft.insert(at, fork)
    sketch.apply(fork)
    count = rng.between(1, 3)
    while count > 0:
        count -= 1
        code = pick_code(sketch, rng, child, draft.weights)
        if code in (OP_FORK, OP_EXIT):
            continue
        args = make_args(sketch, rng, child, code)
        draft.insert(rng.between(at + 1, len(draft.ops)), Op(draft.new_uid(), child, code, args))


def _delete(draft: Draft, rng: Rng) -> None:
    """One op, or a short run of them."""
    count: i64 = 1 if rng.chance(3, 4) else rng.between(2, 4)
    at = rng.below(len(draft.ops))
    while count > 0 and len(draft.ops) > 1:
        draft.delete(min(at, len(draft.ops) - 1))
        count -= 1


def _duplicate(draft: Draft, rng: Rng) -> None:
    """The same op again, later or beside it, on the same or neighbouring operands, mostly by
    another actor."""
    at = _pick_position(draft, rng)
    op = draft.ops[at]
    if op.code in (OP_FORK, OP_EXIT):
        return
    to = at + 1 if rng.chance(1, 2) else rng.between(at + 1, len(draft.ops))
    sketch = draft.sketch(to)
    actor: i64 = op.actor
    if rng.chance(3, 4):
        actor = _other_actor(draft, rng, op)
    if not sketch.exists(actor):
        return
    args = op.args
    if NR_SLOTS[op.code] and rng.chance(1, 2):
        args = make_slot(sketch, rng, actor, op.code, rng.below(NR_SLOTS[op.code]), args)
    draft.insert(to, Op(draft.new_uid(), actor, op.code, args))


def _other_actor(draft: Draft, rng: Rng, op: Op) -> i64:
    """Another actor of the scenario that may run the op; its own if there is none."""
    able = [a for a in draft.actors() if a != op.actor and (ACTORS_OF_CODE[op.code] >> a) & 1]
    return rng.pick(able) if able else op.actor


def _swap(draft: Draft, rng: Rng) -> None:
    if len(draft.ops) < 2:
        return
    at = rng.below(len(draft.ops) - 1)
    first = draft.ops[at]
    draft.ops[at] = draft.ops[at + 1]
    draft.ops[at + 1] = first


def _move_actor(draft: Draft, rng: Rng) -> None:
    """One op, or the rest of an actor's ops, goes to another actor, perhaps a new one."""
    at = _pick_position(draft, rng)
    op = draft.ops[at]
    if op.code == OP_FORK:
        return
    actor = _other_actor(draft, rng, op)
    if actor == op.actor or (op.actor < NR_USER_ACTORS and rng.chance(1, 8)):
        actor = _unused_actor(draft.actors())
    if not (ACTORS_OF_CODE[op.code] >> actor) & 1:
        return
    whole = rng.chance(1, 4)
    i = at
    while i < len(draft.ops):
        other = draft.ops[i]
        able = (ACTORS_OF_CODE[other.code] >> actor) & 1 and other.code != OP_FORK
        if able and other.actor == op.actor:
            draft.ops[i] = Op(other.uid, actor, other.code, other.args)
        if not whole:
            return
        i += 1


def splice(draft: Draft, rng: Rng, donor: Scenario) -> None:
    """A run of the donor's ops with their directives, under new uids, at one place."""
    nr: i64 = len(donor.ops)
    if nr == 0:
        return
    begin = rng.below(nr)
    graft(
        draft,
        donor,
        begin,
        min(nr, begin + rng.between(1, _MAX_SPLICED)),
        rng.below(len(draft.ops) + 1),
    )


def graft(draft: Draft, donor: Scenario, begin: i64, end: i64, at: i64) -> None:
    """Insert the donor's ops begin..end-1 at a position. They get new uids, and their
    directives come along; places outside the arena are folded into it."""
    renamed: dict[int, int] = {}
    i = begin
    while i < end:
        op = donor.ops[i]
        uid = draft.new_uid()
        renamed[op.uid] = uid
        args = fit(op.code, list(op.args), draft.pages)
        draft.insert(at + (i - begin), Op(uid, op.actor, op.code, args))
        i += 1
    for d in donor.directives:
        if d.uid not in renamed:
            continue
        if d.kind == PARK:
            if d.arg in renamed:
                new = Directive(renamed[d.uid], d.site, d.visit, PARK, renamed[d.arg])
                draft.directives.append(new)
        else:
            draft.directives.append(Directive(renamed[d.uid], d.site, d.visit, d.kind, d.arg))


# --- the schedule -------------------------------------------------------------------------------


def _flip(draft: Draft, rng: Rng, hints: Hints | None) -> None:
    """Make the later access of a conflicting pair come first: stop A before its access and
    let B run. Any ops of the rows that once conflicted will do, B after A in the text."""
    if hints is None or not hints.conflicts:
        _add(draft, rng, hints)
        return
    tries: i64 = 0
    while tries < 8:
        tries += 1
        pair = rng.pick(hints.conflicts)
        a = _find_code(draft, rng, pair.code_a)
        if a < 0:
            continue
        b = _find_later(draft, rng, a, pair.code_b)
        if b < 0:
            continue
        _put_flip(draft, rng, pair, draft.ops[a], draft.ops[b])
        return
    _add(draft, rng, hints)


def _find_code(draft: Draft, rng: Rng, code: i64) -> i64:
    """The position of a random op of a row; -1 if there is none."""
    nr: i64 = len(draft.ops)
    at = rng.below(nr)
    left = nr
    while left > 0:
        if draft.ops[at].code == code:
            return at
        at += 1
        if at == nr:
            at = 0
        left -= 1
    return -1


def _find_later(draft: Draft, rng: Rng, after: i64, code: i64) -> i64:
    """The position of an op that still stands when the op at `after` begins: one behind it
    by another actor, of a row (-1: any). -1 if there is none."""
    actor = draft.ops[after].actor
    found: i64 = -1
    seen: i64 = 0
    at = after + 1
    while at < len(draft.ops):
        op = draft.ops[at]
        if op.actor != actor and (code < 0 or op.code == code):
            seen += 1
            if rng.below(seen) == 0:
                found = at
        at += 1
    return found


def _put_flip(draft: Draft, rng: Rng, pair: Conflict, a: Op, b: Op) -> None:
    site = NAMES[pair.site_a]
    r = rng.below(8)
    if r < 5:
        draft.directives.append(Directive(a.uid, site, pair.visit_a, SWITCH, b.actor))
    if r >= 4:
        draft.directives.append(Directive(a.uid, site, pair.visit_a, PARK, b.uid))
    elif rng.chance(1, 3):  # and B stops in turn where they meet
        draft.directives.append(Directive(b.uid, NAMES[pair.site_b], 1, SWITCH, a.actor))


def _anchor(draft: Draft, rng: Rng, hints: Hints | None, kind: i64, op: Op) -> tuple[str, int]:
    """A (site, visit) at which a directive of a kind may work in an op of this row."""
    if hints is not None:
        sighting = hints.pick_sighting(rng, SWITCH if kind == PARK else kind, op.code)
        if sighting:
            visit = sighting % VISIT_SCALE
            if visit > 1 and rng.chance(1, 4):
                visit = rng.between(1, visit)
            return NAMES[sighting // VISIT_SCALE], visit
    if draft.directives and rng.chance(1, 2):
        other = rng.pick(draft.directives)
        return other.site, other.visit
    return NAMES[OP__BEGIN], 1


def _add(draft: Draft, rng: Rng, hints: Hints | None) -> None:
    """A new switch, or a park, at a site that the op is known to pass, in favour of somebody
    who still has something to do."""
    at = rng.below(len(draft.ops))
    later = _find_later(draft, rng, at, -1)
    if later < 0:
        return
    op = draft.ops[at]
    other = draft.ops[later]
    site, visit = _anchor(draft, rng, hints, SWITCH, op)
    if rng.chance(3, 4):
        draft.directives.append(Directive(op.uid, site, visit, SWITCH, other.actor))
    else:
        draft.directives.append(Directive(op.uid, site, visit, PARK, other.uid))


def _shift(draft: Draft, rng: Rng, hints: Hints | None) -> None:
    """Move a directive a little: an earlier or later visit, another site, or another op."""
    if not draft.directives:
        _add(draft, rng, hints)
        return
    i = rng.below(len(draft.directives))
    d = draft.directives[i]
    at = draft.find(d.uid)
    if at < 0:
        return
    r = rng.below(4)
    if r == 0:
        visit = max(1, d.visit + rng.between(1, 3) * (1 if rng.chance(1, 2) else -1))
        draft.directives[i] = Directive(d.uid, d.site, min(visit, VISIT_SCALE), d.kind, d.arg)
    elif r < 3:
        site, visit = _anchor(draft, rng, hints, d.kind, draft.ops[at])
        draft.directives[i] = Directive(d.uid, site, visit, d.kind, d.arg)
    else:
        to = _find_code(draft, rng, draft.ops[at].code)
        draft.directives[i] = Directive(draft.ops[to].uid, d.site, d.visit, d.kind, d.arg)


def _retarget(draft: Draft, rng: Rng) -> None:
    if not draft.directives:
        return
    i = rng.below(len(draft.directives))
    d = draft.directives[i]
    arg: i64 = d.arg
    if d.kind == SWITCH:
        arg = rng.pick(draft.actors())
    elif d.kind == PARK:
        arg = rng.pick(draft.ops).uid
    elif d.kind == IPI or d.kind == TLB:
        arg = rng.between(1, max(2, 2 * arg))
        if d.kind == IPI:
            arg = min(arg, _MAX_IPI_DELAY)
    draft.directives[i] = Directive(d.uid, d.site, d.visit, d.kind, arg)


def _clear_suffix(draft: Draft, rng: Rng) -> None:
    """Forget the schedule from some op on; the next strategy finds another tail."""
    at = rng.below(len(draft.ops))
    gone: set[int] = set()
    i = at
    while i < len(draft.ops):
        gone.add(draft.ops[i].uid)
        i += 1
    draft.directives = [d for d in draft.directives if d.uid not in gone]


def _fault(draft: Draft, rng: Rng, hints: Hints | None) -> None:
    """An allocation or trylock that fails, a stale translation, a late IPI: in an op of a
    row that is known to have one."""
    if hints is None:
        return
    kind: i64 = rng.between(FAIL, TLB)
    tries: i64 = 0
    while tries < 8:
        tries += 1
        op = rng.pick(draft.ops)
        if not hints.pick_sighting(rng, kind, op.code):
            continue
        site, visit = _anchor(draft, rng, hints, kind, op)
        arg: i64 = 0
        if kind == TLB:
            arg = rng.between(1, 2)
        elif kind == IPI:
            arg = 1 << rng.below(7)
        draft.directives.append(Directive(op.uid, site, visit, kind, arg))
        return


# --- the machine --------------------------------------------------------------------------------


def _other_machine(draft: Draft, rng: Rng) -> Config:
    """The same config with one thing changed. The geometry stays: pages would move."""
    old = draft.config
    fresh = pick_config(rng)
    which = rng.below(9)
    most = (1 << old.pmd_order) - 1
    if which == 0:
        return _config_with(old, pick_frames(rng), old.cpus, old.placement, old)
    if which == 1:
        return _config_with(old, old.frames, fresh.cpus, fresh.placement, old)
    tuned = Config(
        stack_gap=pick_tunable(rng) if which == 2 else old.stack_gap,
        folio_batch=pick_tunable(rng) if which == 3 else old.folio_batch,
        gather_batch=pick_tunable(rng) if which == 4 else old.gather_batch,
        flush_ceiling=pick_tunable(rng) if which == 5 else old.flush_ceiling,
        thp=fresh.thp if which == 6 else old.thp,
        mthp=fresh.mthp & ((1 << old.pmd_order) - 1) if which == 7 else old.mthp,
        max_ptes_none=min(fresh.max_ptes_none, most) if which == 7 else old.max_ptes_none,
        max_ptes_shared=min(fresh.max_ptes_shared, most) if which == 7 else old.max_ptes_shared,
        swap=fresh.swap if which == 8 else old.swap,
        swap_device=fresh.swap_device if which == 8 else old.swap_device,
    )
    return _config_with(old, old.frames, old.cpus, old.placement, tuned)


def _config_with(
    old: Config, frames: i64, cpus: i64, placement: tuple[tuple[int, int], ...], tuned: Config
) -> Config:
    return Config(
        old.pmd_order,
        frames,
        old.pages,
        cpus,
        old.steps,
        tuned.stack_gap,
        tuned.folio_batch,
        tuned.gather_batch,
        tuned.flush_ceiling,
        placement,
        old.bugs,
        old.kernel,
        tuned.thp,
        tuned.mthp,
        tuned.max_ptes_none,
        tuned.max_ptes_shared,
        tuned.swap,
        tuned.swap_device,
    )
