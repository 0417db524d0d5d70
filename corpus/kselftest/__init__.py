# SPDX-License-Identifier: MIT
"""Scenarios as C files for tools/testing/selftests/mm.

Contract: `source.files` makes all files of an export out of `plan.Selftest` values, which say
what a scenario's ops must return; conformance fills them from runs of the model. What is made
compiles without warnings in the kernel's tree and needs nothing of mmfarm.
"""
