# SPDX-License-Identifier: MIT
"""`python -m triage`: the `mmfarm` command where it is not installed as a script."""

import sys

from triage.cli import main

if __name__ == "__main__":  # a process that explores imports it as well
    sys.exit(main())
