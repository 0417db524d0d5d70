# SPDX-License-Identifier: MIT
"""Small mistakes, put into functions of the model: which there are, and what each looks like.

A mutant is one function with one mistake. Its statement is drawn evenly among those that a
collection of scenarios runs; which of the operators that fit it is used, is drawn too. What only
observes (steps, traces, named situations, oracles and what they listen to, assertions) is no
behaviour of Linux, so it is left alone.

Everything is done on syntax trees; nothing here runs the model.
"""

import ast
import copy
import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOMS: Final = ("mm", "kernel", "fs", "drivers", "machine")  # below simulator/
OBSERVERS: Final = frozenset(
    (
        "step",
        "sometimes",
        "note",
        "violate",
        "feature",
        "feature_preempt",
        "fold",
        "retry",
        "retry_on",
    )
)  # methods of the Kernel
WATCHERS: Final = ("simulator.oracles", "simulator.watch")
PAIRS: Final = {
    "spin_lock": "spin_unlock",
    "mutex_lock": "mutex_unlock",
    "down_read": "up_read",
    "down_write": "up_write",
    "mmap_read_lock": "mmap_read_unlock",
    "mmap_write_lock": "mmap_write_unlock",
    "rcu_read_lock": "rcu_read_unlock",
    "local_irq_disable": "local_irq_enable",
    "anon_vma_lock_write": "anon_vma_unlock_write",
    "take_rmap_locks": "drop_rmap_locks",
    "lock_fresh": "mutex_unlock",
    "mmu_notifier_invalidate_range_start": "mmu_notifier_invalidate_range_end",
}
PAGES: Final = frozenset(
    (
        "va",
        "start",
        "end",
        "stop",
        "old_va",
        "new_va",
        "new_start",
        "new_end",
        "pgoff",
        "index",
        "floor",
        "ceiling",
        "first",
        "last",
        "here",
    )
)
Block = list[ast.stmt]
Function = ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Place:
    """A statement: its function (with its class, if any), and the line where it begins."""

    path: str  # below simulator/
    function: str
    line: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """One function with one mistake; `function` is its whole definition."""

    place: Place
    operator: str
    before: str
    after: str
    function: Function

    @property
    def key(self) -> str:
        """The same for the same mistake in the same function, wherever that stands."""
        text = "\n".join(
            (self.place.path, self.place.function, self.operator, self.before, self.after)
        )
        return hashlib.sha256(text.encode()).hexdigest()[:10]


# --- finding statements ------------------------------------------------------------------------


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Every function and method with its name; those of classes as `Class.method`."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function) and inner.name != "__init__":
                    yield f"{node.name}.{inner.name}", inner


def blocks(node: ast.AST) -> Iterator[Block]:
    """Every list of statements below a node."""
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
            for statement in block:
                yield from blocks(statement)


def watchers(tree: ast.Module) -> set[str]:
    """Names by which a module knows oracles and what they listen to."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {
                alias.asname or alias.name
                for alias in node.names
                if node.module.startswith(WATCHERS)
                or f"{node.module}.{alias.name}".startswith(WATCHERS)
            }
    return names


def observes(statement: ast.stmt, watched: set[str]) -> bool:
    """Whether a statement only looks or tells."""
    if isinstance(statement, ast.Assert | ast.Pass | ast.AnnAssign):
        return True
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) in ("k.tracing", "self.tracing")
    if not isinstance(statement, ast.Expr):
        return False
    call = statement.value
    if not isinstance(call, ast.Call):
        return True  # a docstring
    parts = ast.unparse(call.func).split(".")
    return parts[-1] in OBSERVERS or "watch" in parts[:-1] or parts[0] in watched


def name_of_call(statement: ast.stmt) -> str:
    """The function that a statement calls, if that is all it does."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return ast.unparse(statement.value.func).rpartition(".")[2]
    return ""


# --- operators -----------------------------------------------------------------------------------
# Each changes a copied function at block[i] and returns whether it could; `rng` chooses among
# several possibilities.

Operator = Callable[[Function, Block, int, random.Random, set[str]], bool]


def delete(_f: Function, block: Block, i: int, _rng: random.Random, _w: set[str]) -> bool:
    if not isinstance(block[i], ast.Expr | ast.Assign | ast.AugAssign):
        return False
    block[i] = ast.Pass()
    return True


def negate(_f: Function, block: Block, i: int, _rng: random.Random, _w: set[str]) -> bool:
    statement = block[i]
    if not isinstance(statement, ast.If | ast.While):
        return False
    test = statement.test
    if isinstance(test, ast.Constant):
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        statement.test = test.operand
    else:
        statement.test = ast.UnaryOp(ast.Not(), test)
    return True


def swap(_f: Function, block: Block, i: int, _rng: random.Random, watched: set[str]) -> bool:
    """With the next statement that is no mere observation."""
    simple = ast.Expr | ast.Assign | ast.AugAssign
    j = i + 1
    while j < len(block) and observes(block[j], watched):
        j += 1
    if j == len(block) or not isinstance(block[i], simple) or not isinstance(block[j], simple):
        return False
    block[i], block[j] = block[j], block[i]
    return True


def drop_bit(_f: Function, block: Block, i: int, rng: random.Random, _w: set[str]) -> bool:
    """One operand of an `|`, or a mask `& ~BIT`."""
    found = [
        node
        for node in own_nodes(block[i])
        if isinstance(node, ast.BinOp)
        and (
            isinstance(node.op, ast.BitOr)
            or isinstance(node.op, ast.BitAnd)
            and isinstance(node.right, ast.UnaryOp)
        )
    ]
    if not found:
        return False
    node = rng.choice(found)
    kept = node.left
    if isinstance(node.op, ast.BitOr) and rng.random() < 0.5:
        kept = node.right
    replace(block[i], node, kept)
    return True


def off_by_one(_f: Function, block: Block, i: int, rng: random.Random, _w: set[str]) -> bool:
    """A border that moves by one page."""
    found: list[tuple[ast.expr, ast.expr]] = []
    for node in own_nodes(block[i]):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            other = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}.get(
                type(node.ops[0])
            )
            if other is not None:
                found.append((node, ast.Compare(node.left, [other()], node.comparators)))
        elif isinstance(node, ast.Call):
            for argument in node.args:
                if isinstance(argument, ast.Name) and argument.id in PAGES:
                    one = ast.BinOp(argument, ast.Add(), ast.Constant(1))
                    found.append((argument, one))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            if isinstance(node.right, ast.Constant) and node.right.value == 1:
                found.append((node, node.left))
    if not found:
        return False
    old, new = rng.choice(found)
    replace(block[i], old, copy.deepcopy(new))
    return True


def skip_pair(f: Function, block: Block, i: int, _rng: random.Random, _w: set[str]) -> bool:
    """A lock is neither taken nor released: every such call of the function on it goes."""
    taken = name_of_call(block[i])
    if taken not in PAIRS:
        return False
    which = subject(block[i])
    found = False
    for inner in list(blocks(f)):
        for j, statement in enumerate(inner):
            name = name_of_call(statement)
            if name in (taken, PAIRS[taken]) and subject(statement) == which:
                found = found or name != taken
                inner[j] = ast.Pass()
    return found


def skip_flush(_f: Function, block: Block, i: int, _rng: random.Random, _w: set[str]) -> bool:
    name = name_of_call(block[i])
    if "flush" in name or name == "tlb_remove_tlb_entry":
        block[i] = ast.Pass()
        return True
    for node in own_nodes(block[i]):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called == "ptep_clear_flush":
                node.func = ast.Name("ptep_get_and_clear", ast.Load())
                return True
    return False


def return_early(f: Function, block: Block, i: int, _rng: random.Random, _w: set[str]) -> bool:
    annotation = ast.unparse(f.returns) if f.returns else ""
    value: ast.expr | None = None
    if annotation == "i64":
        value = ast.Constant(0)
    elif annotation == "bool":
        value = ast.Constant(False)
    elif annotation.endswith("| None"):
        value = ast.Constant(None)
    elif annotation != "None":
        return False
    if isinstance(block[i], ast.Return):
        return False
    block.insert(i, ast.Return(value))
    return True


OPERATORS: Final[dict[str, Operator]] = {
    "delete": delete,
    "negate": negate,
    "swap": swap,
    "drop-bit": drop_bit,
    "off-by-one": off_by_one,
    "skip-pair": skip_pair,
    "skip-flush": skip_flush,
    "early-return": return_early,
}


def own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """The expressions of a statement, without those of statements inside it."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield from ast.walk(child)


def replace(root: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for node in ast.walk(root):
        for field, value in ast.iter_fields(node):
            if value is old:
                setattr(node, field, new)
                return
            if isinstance(value, list) and any(each is old for each in value):
                value[:] = [new if each is old else each for each in value]
                return


def subject(statement: ast.stmt) -> str:
    """What a lock call is about: its arguments but for the Kernel and sites."""
    assert isinstance(statement, ast.Expr)
    call = statement.value
    assert isinstance(call, ast.Call)
    arguments = [ast.unparse(argument) for argument in call.args]
    kept = [each for each in arguments if each != "k" and "__" not in each and each != "site"]
    return kept[0] if kept else ""


# --- drawing -------------------------------------------------------------------------------------


def statements(path: str, tree: ast.Module) -> Iterator[Place]:
    """The statements that may be drawn."""
    watched = watchers(tree)
    for name, function in functions(tree):
        for block in blocks(function):
            for statement in block:
                if not observes(statement, watched):
                    yield Place(path, name, statement.lineno)


def mutate(tree: ast.Module, place: Place, rng: random.Random) -> Mutant | None:
    """A mistake at that statement; None where no operator fits."""
    watched = watchers(tree)
    original = dict(functions(tree))[place.function]
    names = list(OPERATORS)
    rng.shuffle(names)
    for name in names:
        function = copy.deepcopy(original)
        for block in blocks(function):
            at = [i for i, s in enumerate(block) if s.lineno == place.line]
            if at:
                break
        else:
            return None
        before = ast.unparse(function).splitlines()
        if OPERATORS[name](function, block, at[0], rng, watched):
            ast.fix_missing_locations(function)
            after = ast.unparse(function).splitlines()
            gone = [line.strip() for line in before if line not in after]
            new = [line.strip() for line in after if line not in before]
            if before != after:
                return Mutant(place, name, "; ".join(gone), "; ".join(new), function)
    return None


def parse_rooms(simulator: Path) -> dict[str, ast.Module]:
    """The files of the rooms, by their path below simulator/."""
    return {
        str(path.relative_to(simulator)): ast.parse(path.read_text())
        for room in ROOMS
        for path in sorted((simulator / room).rglob("*.py"))
    }


# --- who may be blamed ---------------------------------------------------------------------------


def sites_of(function: Function) -> set[str]:
    """Kernel functions whose sites a function names: Linux's names of what it is."""
    return {
        node.attr.lower().rpartition("__")[0]
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and "__" in node.attr and node.attr.isupper()
    }


def blamed(trees: dict[str, ast.Module], place: Place) -> set[str]:
    """The culprits that name the changed function: its own name, the kernel functions at whose
    sites it stands, and for an inlined helper without a site those of its only caller."""
    known = {
        (path, name): function for path, tree in trees.items() for name, function in functions(tree)
    }
    names: set[str] = set()
    at = (place.path, place.function)
    while True:
        function = known[at]
        short = at[1].rpartition(".")[2]
        names.add(short)
        own = sites_of(function)
        names |= own
        if own:
            return names
        callers = [
            where
            for where, other in known.items()
            if where != at
            and any(
                isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == short
                for node in ast.walk(other)
            )
        ]
        if len(callers) != 1:
            return names
        at = callers[0]
