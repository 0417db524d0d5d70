# SPDX-License-Identifier: MIT
"""What verbs print as JSON against its published schema in docs/schemas/."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS: Final = Path(__file__).parents[2] / "docs" / "schemas"


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def validate(document: object, name: str) -> None:
    """Raise jsonschema's ValidationError unless the document is what docs/schemas/NAME.json says;
    that one must be a schema itself."""
    others = [(f.name, Resource.from_contents(schema(f.stem))) for f in SCHEMAS.glob("*.json")]
    own = schema(name)
    Draft202012Validator.check_schema(own)
    Draft202012Validator(own, registry=Registry().with_resources(others)).validate(document)
