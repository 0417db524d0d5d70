# SPDX-License-Identifier: MIT
"""Properties of the text codec over random scenarios made from the op table alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.text import TextError, dump, parse
from simulator import ops
from simulator import scenario as sc
from simulator.ops import Arg, OpSpec
from simulator.scenario import Config, Directive, Op, Scenario

PAGES = 8 << 3  # the arena of the default config
SITES = ("op:begin", "op:end")
TITLES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
)


def slots(arg: Arg) -> st.SearchStrategy[list[int]]:
    """Valid slots of one argument."""
    match arg.kind:
        case ops.RANGE | ops.DEST:
            return st.tuples(st.integers(0, PAGES - 1), st.integers(1, PAGES)).map(
                lambda pair: (
                    [min(pair), max(pair[1], pair[0] + 1)]
                    if pair[0] < pair[1]
                    else [pair[0], pair[0] + 1]
                )
            )
        case ops.PAGE:
            return st.integers(0, PAGES - 1).map(lambda page: [page])
        case ops.WORD:
            return st.integers(0, 4 * PAGES - 1).map(lambda word: [word])
        case ops.ENUM:
            return st.integers(0, len(arg.names) - 1).map(lambda which: [which])
        case ops.FLAGS:
            return st.integers(0, (1 << len(arg.names)) - 1).map(lambda mask: [mask])
        case ops.HANDLE:
            return st.integers(0, arg.limit - 1).map(lambda which: [which])
        case ops.HWORD:
            return st.integers(0, 4 * arg.limit - 1).map(lambda word: [word])
        case ops.COUNT:
            return st.integers(1, arg.limit).map(lambda count: [count])
        case ops.ACTOR:
            return st.integers(1, 7).map(lambda actor: [actor])
        case ops.PROCESS:
            return st.integers(0, 7).map(lambda actor: [actor])
        case ops.BACKING:
            files = st.integers(1, ops.NR_FILES) | st.integers(
                ops.FIRST_OTHER_FILE, ops.FIRST_OTHER_FILE + ops.NR_OTHER_FILES - 1
            )
            offset = st.integers(0, ops.MAX_FILE_PAGES - 1)
            return st.just([0, 0]) | st.tuples(files, offset).map(list)
    raise AssertionError(f"a new kind of argument: {arg.kind}")


@st.composite
def op_of(draw: st.DrawFn, spec: OpSpec, uid: int) -> Op:
    actors = [actor for actor in range(sc.NR_ACTORS) if ops.may_run(spec, actor)]
    args = [slot for arg in spec.args for slot in draw(slots(arg))]
    return Op(uid, draw(st.sampled_from(actors)), spec.number, tuple(args))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    uids = draw(st.lists(st.integers(1, 99), min_size=1, max_size=8, unique=True))
    made: list[Op] = []
    children = {0}
    for uid in uids:
        op = draw(op_of(draw(st.sampled_from(ops.OPS)), uid))
        if op.code == ops.OP_FORK and (op.args[0] in children or op.args[0] == op.actor):
            continue  # every child has one birth
        if op.code == ops.OP_FORK:
            children.add(op.args[0])
        made.append(op)
    anchors: dict[tuple[int, str, int, int], Directive] = {}
    if made:
        known = st.sampled_from([op.uid for op in made])
        for kind in draw(
            st.lists(st.sampled_from((sc.SWITCH, sc.PARK, sc.FAIL, sc.IPI, sc.TLB)), max_size=6)
        ):
            arg = {sc.SWITCH: st.integers(0, 3), sc.PARK: known, sc.FAIL: st.just(0)}.get(
                kind, st.integers(1, 9)
            )
            directive = Directive(
                draw(known), draw(st.sampled_from(SITES)), draw(st.integers(1, 3)), kind, draw(arg)
            )
            anchors[directive.uid, directive.site, directive.visit, kind] = directive
    config = Config(
        frames=draw(st.integers(16, 512)),
        steps=draw(st.integers(100, 30_000)),
        pages=draw(st.sampled_from((0, PAGES, 2 * PAGES))),
    )
    title = draw(st.just(()) | TITLES.map(lambda title: (("title", title),)))
    bare = Scenario(config, tuple(made), (), title)
    return bare.with_directives(tuple(anchors.values()))


def check_total(wrong: str | bytes) -> None:
    """Any text is either canonical or refused with a TextError, nothing else."""
    try:
        scenario: Scenario | None = parse(wrong)
    except TextError as error:
        scenario = None
        where = (error.line, error.column)
    if scenario is None:
        assert min(where) >= 1
    else:
        assert dump(scenario).encode() == (wrong if isinstance(wrong, bytes) else wrong.encode())


@given(scenarios())
@settings(max_examples=150, deadline=None)
def test_what_is_printed_is_read_back(scenario: Scenario) -> None:
    assert parse(dump(scenario)) == scenario


@given(scenarios(), st.data())
@settings(max_examples=60, deadline=None)
def test_every_truncation_is_canonical_or_refused(scenario: Scenario, data: st.DataObject) -> None:
    printed = dump(scenario)
    for cut in data.draw(st.lists(st.integers(0, len(printed)), min_size=4, max_size=12)):
        check_total(printed[:cut])
        check_total(printed.encode()[:cut])


@given(scenarios(), st.data())
@settings(max_examples=150, deadline=None)
def test_every_mutation_is_canonical_or_refused(scenario: Scenario, data: st.DataObject) -> None:
    printed = dump(scenario)
    pieces = [
        "",
        " ",
        "\n",
        "#",
        "@",
        "..",
        "-",
        "0",
        "9",
        "+1",
        "T1",
        ".1",
        "=",
        ":",
        "\0",
        "é",
        "²",
        "\u2028",
        "config",
        "read",
        *printed.split(" ")[:40],
    ]
    for _ in range(6):
        at = data.draw(st.integers(0, len(printed)))
        end = data.draw(st.integers(at, min(len(printed), at + 6)))
        check_total(printed[:at] + data.draw(st.sampled_from(pieces)) + printed[end:])


@given(scenarios(), st.data())
@settings(max_examples=60, deadline=None)
def test_lines_in_another_order_are_canonical_or_refused(
    scenario: Scenario, data: st.DataObject
) -> None:
    lines = dump(scenario).splitlines(keepends=True)
    check_total("".join(data.draw(st.permutations(lines))))


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_bytes_of_any_kind_are_refused_in_order(data: bytes) -> None:
    check_total(data)
    check_total(b"# mmfarm scenario 1\n" + data)


@given(st.sampled_from(ops.OPS), st.data())
@settings(max_examples=150, deadline=None)
def test_every_row_of_the_op_table_has_a_text_form(spec: OpSpec, data: st.DataObject) -> None:
    op = data.draw(op_of(spec, 1))
    if op.code == ops.OP_FORK and op.args[0] == op.actor:
        return
    scenario = Scenario(ops=(op,))
    assert parse(dump(scenario)) == scenario
