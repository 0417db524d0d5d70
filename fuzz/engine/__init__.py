# SPDX-License-Identifier: MIT
"""What drives a session: Atheris' libFuzzer, or a plain loop where Atheris has no wheel."""
