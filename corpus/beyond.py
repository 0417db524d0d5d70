# SPDX-License-Identifier: MIT
"""What no model of this kind has, and how to say so when a claim names it.

Contract: `named(text)` gives a phrase for each thing outside of the model that a text names in the
words of kernel developers. It looks at words, not at meaning: a claim that says "unlike arm64"
names arm64. What the model lacks so far, an op or a site, is found by its name and not here.
"""

import re
from typing import Final

_CASE: Final = re.IGNORECASE | re.ASCII
_BEYOND: Final = (
    (re.compile(r"memcg|cgroup", _CASE), "memory cgroups: the model charges nothing to anybody"),
    (
        re.compile(r"arm64|aarch64|contpte|cont_pte|tlbi|risc-?v|powerpc|s390|loongarch", _CASE),
        "other architectures: the model is x86-64, which shoots translations down by IPI",
    ),
    (
        re.compile(
            r"store[ _]?buffer|re-?order|out of order|smp_(?:mb|rmb|wmb|store_release|load_acquire)"
            r"|(?:memory|write|read)[ _]barrier|weakly ordered",
            _CASE,
        ),
        "the order of stores: in the model everybody sees every store at once, in one order",
    ),
    (re.compile(r"hugetlb", _CASE), "hugetlb"),
    (re.compile(r"\bnuma\b|mbind|mempolicy", _CASE), "NUMA: the memory is one node"),
)


def named(text: str) -> list[str]:
    """A phrase for each thing that no model here has and the text names."""
    return [phrase for words, phrase in _BEYOND if words.search(text)]
