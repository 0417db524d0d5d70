# SPDX-License-Identifier: MIT
"""Programs of syzkaller as scenarios, and scenarios as programs of syzkaller.

`program` is what a program consists of, `parse` reads its text, `execute` says what syzkaller's
executor would do as events that `corpus.recording` translates like those of a log, `report`
imports files and folders. `export` writes programs.
"""
