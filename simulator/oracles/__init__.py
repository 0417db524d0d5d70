# SPDX-License-Identifier: MIT
"""One file an oracle."""
