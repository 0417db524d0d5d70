# SPDX-License-Identifier: MIT
"""Import of strace logs: what real programs did to their memory, as scenarios.

`parse` reads the text, `values` single arguments, `follow` tells which call belongs to which
address space, `translate` turns calls into ops on real page numbers, `compact` makes the
numbers small, `windows` cuts what fits a scenario, `check` replays everything in one machine
and compares with what the real kernel answered. `report` is what all of that says.
"""
