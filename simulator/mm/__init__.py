# SPDX-License-Identifier: MIT
"""The model of mm/."""
