# SPDX-License-Identifier: MIT
"""Every verdict blames a kernel function: never nobody, never the op."""

import pytest
from greenlet import greenlet

from corpus import headers
from simulator import sites
from simulator.outcome import Signature
from simulator.scenario import Config
from simulator.sched import core
from tests.model.run import boot


@pytest.mark.parametrize("site", [0, sites.OP__BEGIN, sites.OP__END])
@pytest.mark.parametrize(("in_op", "culprit"), [(True, "sleep"), (False, "exit_mmap")])
def test_where_nobody_was_recorded_the_function_of_the_op_answers(
    site: int, in_op: bool, culprit: str
) -> None:
    k = boot(Config()).k
    k.hub = greenlet.getcurrent()
    k.cur.in_op = in_op
    core.fail(k, "state", site, "mm", "nobody knows who did it")
    failed = k.sched.failed
    assert failed is not None
    assert failed.signature == Signature("state", culprit, "mm")
    assert not headers.check("expect", str(failed.signature))


def test_functions_that_are_only_blamed_are_no_sites() -> None:
    assert sites.FUNCTION[sites.MOVE_VMA__ITSELF] == "move_vma"
    assert not [name for name in sites.BY_NAME if name.endswith(":itself")]
