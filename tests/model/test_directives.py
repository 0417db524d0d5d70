# SPDX-License-Identifier: MIT
"""What directives do not reach: the ops and the End behind the op that they belong to."""

from tests.model.run import results, run, scenario


def test_a_late_ipi_at_the_end_of_an_op_lets_those_of_the_end_arrive() -> None:
    outcome = run("""
1 T0 mmap 0..1 r private anon
2 T1 read 0
@2 op:end#1 ipi +16
""")
    assert outcome.violation is None


def test_a_failure_asked_for_at_the_end_of_an_op_is_not_for_the_next_one() -> None:
    text = """
1 T0 mmap 0..4 rw private anon
2 T0 mmap 8..12 rw private anon populate
@1 op:end#1 fail
"""
    assert results(text) == [0, 8]
    assert run(text).dead == list(scenario(text).directives)
