# SPDX-License-Identifier: MIT
"""mmgrab() and mmdrop(), include/linux/sched/mm.h (7.2): who keeps an mm_struct.

`mm.count` counts one for all users together, one for each CPU that goes on with the mm lazily
after its thread has gone, and one for everybody who only needs the structure to stay.
"""

from typing import TYPE_CHECKING

from simulator import sites
from simulator.mm.mm_types import Mm
from simulator.state import WRITE

if TYPE_CHECKING:
    from simulator.state import Kernel


def mmgrab(mm: Mm) -> None:
    mm.count += 1


def mmdrop(k: "Kernel", mm: Mm) -> None:
    """Drop a count; the last one frees the mm_struct and its page directory."""
    k.step(sites.MMDROP__COUNT, mm.obj, WRITE)
    mm.count -= 1
    if mm.count:
        return
    for cpu in k.cpus:
        if cpu.loaded_mm is mm or cpu.cr3 is mm:
            borrowed = cpu.is_lazy and cpu.lazy_mm is not mm
            k.violate(
                "use-after-free",
                sites.EXIT_MM__LAZY if borrowed else sites.MMDROP__COUNT,
                "mm",
                f"mm{mm.id} was freed while CPU{cpu.id} has it loaded",
            )
    mm.live = False
