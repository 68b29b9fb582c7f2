"""What settings are made of: groups, and values that one variable holds several of."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict
from pydantic_settings import NoDecode

GROUP = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
"""Of a model of settings that belong together."""


def from_list(value: object) -> object:
    """Return the names of a text, without empty ones."""
    return [part for one in value.split(",") if (part := one.strip())] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(from_list)]
"""Several names, separated by commas."""


def from_json(value: object) -> object:
    """Return what a JSON text holds."""
    return json.loads(value) if isinstance(value, str) else value


Strings = Annotated[dict[str, str], NoDecode, BeforeValidator(from_json)]
"""A JSON object of strings."""
Objects = Annotated[tuple[dict[str, Any], ...], NoDecode, BeforeValidator(from_json)]
"""A JSON list of objects."""
