# SPDX-License-Identifier: MIT
"""What other files of tools/testing/selftests/mm must say about new tests.

Contract: one fragment a file, to be added to the file that its name begins with.
"""

from collections.abc import Iterable, Sequence
from typing import Final

# The categories of run_vmtests.sh; it must be told about others.
CATEGORIES: Final = frozenset(
    (
        "mmap",
        "gup_test",
        "userfaultfd",
        "compaction",
        "mlock",
        "mremap",
        "hugevm",
        "vmalloc",
        "hmm",
        "madv_guard",
        "madv_populate",
        "memfd_secret",
        "process_mrelease",
        "ksm",
        "ksm_numa",
        "pkey",
        "soft_dirty",
        "pagemap",
        "pfnmap",
        "process_madv",
        "cow",
        "thp",
        "hugetlb",
        "migration",
        "mkdirty",
        "mdwe",
        "page_frag",
        "vma_merge",
        "rmap",
        "memory-failure",
    )
)
_OPTIONS: Final = {"soft-dirty": "CONFIG_MEM_SOFT_DIRTY=y"}
_ALWAYS: Final = ("CONFIG_MEMFD_CREATE=y", "CONFIG_PROC_PAGE_MONITOR=y", "CONFIG_SHMEM=y")


def files(programs: Sequence[tuple[str, str]], needs: Iterable[str]) -> dict[str, str]:
    """The fragments for these categories with their binaries."""
    names = [name for _, name in programs]
    options = sorted({*_ALWAYS, *(_OPTIONS[need] for need in needs if need in _OPTIONS)})
    runs = ""
    for category, name in programs:
        if category not in CATEGORIES:
            runs += f"# usage(): a new category\n- {category}\n"
        runs += f'CATEGORY="{category}" run_test ./{name}\n'
    return {
        "Makefile.fragment": "".join(f"TEST_GEN_FILES += {name}\n" for name in names),
        "run_vmtests.sh.fragment": runs,
        "gitignore.fragment": "".join(f"{name}\n" for name in names),
        "config.fragment": "".join(f"{option}\n" for option in options),
    }
