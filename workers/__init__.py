# SPDX-License-Identifier: MIT
"""The farm: the store that holds its truth, the jobs, the Celery app, the laptop driver."""
