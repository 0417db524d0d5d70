# SPDX-License-Identifier: MIT
"""What programs did to their memory, as scenarios; whoever recorded it, and in what notation.

`events` are what the readers (`corpus.strace`, `corpus.perf`) make of a text, `values` are
single arguments, `follow` tells which call belongs to which address space, `translate` turns
calls and page faults into ops on real page numbers, `compact` makes the numbers small,
`windows` cuts what fits a scenario, `check` replays everything in one machine and compares with
what the real kernel answered. `report` is what all of that says. `corpus.syz` makes steps of
programs that were never recorded, and shares everything from there on.
"""
