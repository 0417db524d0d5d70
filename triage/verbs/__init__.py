# SPDX-License-Identifier: MIT
"""The verbs of `mmfarm`, one module each; `triage.cli.VERBS` is their table.

Contract: each module has one click command named `command` and is imported only when its
verb is called, so its imports are those the verb needs and no others.
"""
