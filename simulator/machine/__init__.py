# SPDX-License-Identifier: MIT
"""What hardware does: CPUs, page walks, translations."""
