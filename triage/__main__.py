# SPDX-License-Identifier: MIT
"""`python -m triage`: the `mmfarm` command where it is not installed as a script."""

import sys

from triage.cli import main

sys.exit(main())
