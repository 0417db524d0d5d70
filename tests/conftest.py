# SPDX-License-Identifier: MIT
"""What all tests share: the same generated examples on every run and every machine."""

from hypothesis import settings

# No deadline: how long an example takes depends on the machine. No database: an example that
# failed once belongs into the test's source, not into a folder beside it.
settings.register_profile("mmfarm", deadline=None, derandomize=True, database=None)
settings.load_profile("mmfarm")
