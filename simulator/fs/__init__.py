# SPDX-License-Identifier: MIT
"""The model of fs/proc."""
