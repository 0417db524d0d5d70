# SPDX-License-Identifier: MIT
"""`python -m triage`: the `mmfarm` command where it is not installed as a script."""

from triage.cli import entry

entry()
