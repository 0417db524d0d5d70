# SPDX-License-Identifier: MIT
"""The model of kernel/."""
