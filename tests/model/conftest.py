# SPDX-License-Identifier: MIT
"""The model's modules import each other; `simulator.run` is the door through which they load
in an order that works, whatever a test imports first."""

import simulator.run  # noqa: F401
