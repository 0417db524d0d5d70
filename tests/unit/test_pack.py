# SPDX-License-Identifier: MIT
"""Inputs in one file: all come back, whatever a writer that died has left."""

from hypothesis import given
from hypothesis import strategies as st

from fuzz.pack import packed, unpack

INPUTS = st.lists(st.binary(max_size=40), max_size=6)


@given(INPUTS)
def test_what_is_packed_comes_back(inputs: list[bytes]) -> None:
    assert list(unpack(b"".join(map(packed, inputs)))) == inputs


@given(INPUTS, st.binary(max_size=40), st.data())
def test_an_input_that_is_cut_off_takes_none_with_it(
    inputs: list[bytes], last: bytes, data: st.DataObject
) -> None:
    whole = packed(last)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert list(unpack(b"".join(map(packed, inputs)) + cut)) == inputs
