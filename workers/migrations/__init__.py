# SPDX-License-Identifier: MIT
"""Alembic migrations of the store; `workers.migrate` runs them."""
