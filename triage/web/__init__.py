# SPDX-License-Identifier: MIT
"""The farm's web page: what was found, drawn and explained, and what the farm does.

Contract: `app.add` puts the pages on the app of `workers.http`. Everything is readable without
JavaScript and without a token; what changes something, and what is under embargo, needs the token.
Pages read the store by short transactions; a drawing that is not at hand is made beside, and the
page says so meanwhile.
"""
