# SPDX-License-Identifier: MIT
"""What a scenario must satisfy before it can run: the rules that the grammar cannot say."""

from typing import Final

from simulator import ops, sites
from simulator.bugs import BY_ID
from simulator.kernels import DEFAULT, KERNELS, VERSIONS
from simulator.objects import INDEX_BITS
from simulator.scenario import (
    FAIL,
    IPI,
    MAX_DIRECTIVES,
    NR_ACTORS,
    NR_USER_ACTORS,
    PARK,
    SWAP_DEVICES,
    SWITCH,
    THP_MODES,
    TLB,
    Config,
    Op,
    Scenario,
)

PMD_ORDERS: Final = (3, 4, 9)
MAX_FRAMES: Final = 1 << 16  # keeps a hostile text from asking for all memory
MAX_PAGES: Final = 1 << 18  # what one machine's page tables may span
assert max(MAX_PAGES, ops.MAX_FILE_PAGES) <= 1 << INDEX_BITS, "pages that steps cannot name"
MAX_SWAP: Final = 1 << 12  # slots: more than a scenario's pages are of no use
MAX_CPUS: Final = NR_ACTORS  # more would idle
MAX_STEPS: Final = 100_000_000
MAX_VISIT: Final = 1 << 20
MAX_LATE: Final = 10_000  # steps an IPI may be late
MAX_ENTRY: Final = 64  # may-cache entries of one page


class ScenarioError(ValueError):
    """A scenario that cannot run. `uid` names the op or directive, 0 the config."""

    def __init__(self, message: str, uid: int) -> None:
        super().__init__(message)
        self.message = message
        self.uid = uid


def arena_pages(config: Config) -> int:
    """Pages of the address arena."""
    return config.pages or 8 << config.pmd_order


def validate(scenario: Scenario) -> None:
    """Raise ScenarioError unless `Machine.run` can run it."""
    check_config(scenario.config)
    uids: set[int] = set()
    children: set[int] = set()
    pages = arena_pages(scenario.config)
    for op in scenario.ops:
        if op.uid <= 0:
            raise ScenarioError(f"op number {op.uid}: numbers start at 1", op.uid)
        if op.uid in uids:
            raise ScenarioError(f"op number {op.uid} stands twice", op.uid)
        uids.add(op.uid)
        check_op(op, pages)
        if op.code == ops.OP_FORK:
            child = op.args[0]
            if child in children or child == 0:
                raise ScenarioError(f"T{child} is already an actor: name another child", op.uid)
            children.add(child)
    if len(scenario.directives) > MAX_DIRECTIVES:
        raise ScenarioError(f"more than {MAX_DIRECTIVES} directives", 0)
    anchors: set[tuple[int, str, int, int]] = set()
    for d in scenario.directives:
        if d.uid not in uids:
            raise ScenarioError(f"directive of op {d.uid}, which is not there", d.uid)
        if d.site not in sites.BY_NAME:
            raise ScenarioError(f"unknown site {d.site!r}", d.uid)
        if not 1 <= d.visit <= MAX_VISIT:
            raise ScenarioError("visits count from 1", d.uid)
        anchor = (d.uid, d.site, d.visit, d.kind)
        if anchor in anchors:
            raise ScenarioError(f"two directives of one kind at {d.site}#{d.visit}", d.uid)
        anchors.add(anchor)
        if d.kind == SWITCH and not 0 <= d.arg < NR_ACTORS:
            raise ScenarioError("switch to an unknown actor", d.uid)
        if d.kind == PARK and d.arg not in uids:
            raise ScenarioError(f"park until op {d.arg}, which is not there", d.uid)
        if d.kind == IPI and not 1 <= d.arg <= MAX_LATE:
            raise ScenarioError(f"an IPI is 1 to {MAX_LATE} steps late", d.uid)
        if d.kind == TLB and not 1 <= d.arg <= MAX_ENTRY:
            raise ScenarioError(f"tlb takes an entry from 1 to {MAX_ENTRY}", d.uid)
        if d.kind == FAIL and d.arg:
            raise ScenarioError("fail takes no argument", d.uid)


def check_config(c: Config) -> None:
    if c.pmd_order not in PMD_ORDERS:
        raise ScenarioError("pmd_order is 3, 4 or 9", 0)
    limits = (
        ("frames", c.frames, 1, MAX_FRAMES),
        ("pages", c.pages or 1, 1, MAX_PAGES),
        ("cpus", c.cpus or 1, 1, MAX_CPUS),
        ("steps", c.steps or 1, 1, MAX_STEPS),
        ("stack_gap", c.stack_gap or 1, 1, MAX_PAGES),
        ("folio_batch", c.folio_batch or 1, 1, 1024),
        ("gather_batch", c.gather_batch or 1, 1, 1 << 16),
        ("flush_ceiling", c.flush_ceiling or 1, 1, 1 << 16),
        ("thp", c.thp, 0, len(THP_MODES) - 1),
        ("mthp", c.mthp, 0, (1 << c.pmd_order) - 1),
        ("max_ptes_none", c.max_ptes_none, -1, (1 << c.pmd_order) - 1),
        ("max_ptes_shared", c.max_ptes_shared, -1, (1 << c.pmd_order) - 1),
        ("swap", c.swap, 0, MAX_SWAP),
        ("swap_device", c.swap_device, 0, len(SWAP_DEVICES) - 1),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise ScenarioError(f"{name}={value} is outside {low}..{high}", 0)
    if c.mthp & 3:
        raise ScenarioError("mthp has orders from 2 to below pmd_order", 0)
    if list(c.placement) != sorted(set(c.placement)):
        raise ScenarioError("placements are sorted and differ", 0)
    cpus = c.cpus or MAX_CPUS
    seen: set[int] = set()
    for actor, cpu in c.placement:
        if not 0 <= actor < NR_ACTORS or actor in seen:
            raise ScenarioError("each actor is placed at most once", 0)
        seen.add(actor)
        if not 0 <= cpu < cpus:
            raise ScenarioError(f"CPU {cpu} is outside 0..{cpus - 1}", 0)
    for bug in c.bugs:
        if bug.removeprefix("-") not in BY_ID:
            raise ScenarioError(f"unknown bug {bug!r}: `mmfarm bugs list` prints the known ones", 0)
    if list(c.bugs) != sorted(set(c.bugs)):
        raise ScenarioError("bugs are sorted and differ", 0)
    if c.kernel not in KERNELS:
        raise ScenarioError(
            f"unknown kernel {c.kernel!r}: the model can be {', '.join(VERSIONS)}; "
            f"it is {DEFAULT} by default",
            0,
        )


def check_op(op: Op, pages: int) -> None:
    spec = ops.BY_NUMBER.get(op.code)
    if spec is None:
        raise ScenarioError(f"unknown op code {op.code}", op.uid)
    if not 0 <= op.actor < NR_ACTORS or not ops.may_run(spec, op.actor):
        raise ScenarioError(f"this actor cannot run {spec.name}", op.uid)
    if len(op.args) != spec.slots:
        raise ScenarioError(f"{spec.name} takes {spec.slots} numbers", op.uid)
    i = 0
    for arg in spec.args:
        check_arg(op, arg, op.args[i : i + ops.SLOTS[arg.kind]], pages)
        i += ops.SLOTS[arg.kind]


def check_arg(op: Op, arg: ops.Arg, values: tuple[int, ...], pages: int) -> None:
    """One argument against its kind's domain."""
    value = values[0]
    kind = arg.kind
    if kind in (ops.RANGE, ops.DEST):
        if not 0 <= value < values[1] <= pages:
            raise ScenarioError(
                f"{arg.name} {value}..{values[1]} is empty or outside 0..{pages}", op.uid
            )
        return
    if kind == ops.BACKING:
        file_ok = value == 0 or 1 <= value <= ops.NR_FILES
        other = 0 <= value - ops.FIRST_OTHER_FILE < ops.NR_OTHER_FILES
        if not (file_ok or other) or not 0 <= values[1] < 1 << 40 or (value == 0 and values[1]):
            raise ScenarioError("backing is anon, f0..f3 or x0.. with an offset", op.uid)
        return
    high = {
        ops.PAGE: pages - 1,
        ops.WORD: pages * 4 - 1,
        ops.ENUM: len(arg.names) - 1,
        ops.FLAGS: (1 << len(arg.names)) - 1,
        ops.HANDLE: arg.limit - 1,
        ops.HWORD: arg.limit * 4 - 1,
        ops.ACTOR: NR_USER_ACTORS - 1,
        ops.PROCESS: NR_USER_ACTORS - 1,
        ops.COUNT: arg.limit,
    }[kind]
    low = 1 if kind == ops.COUNT else 0
    if not low <= value <= high:
        raise ScenarioError(f"{arg.name} is outside {low}..{high}", op.uid)
