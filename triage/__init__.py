# SPDX-License-Identifier: MIT
"""What people look at: the `mmfarm` command, race diagrams, failures and their exports."""
