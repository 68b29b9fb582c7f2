"""The types of settings: groups, and variables that hold several values."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict

GROUP = ConfigDict(frozen=True, extra="forbid")
"""Configuration of a group of settings."""


def from_list(value: object) -> object:
    """Split a text at commas, without empty parts; any other value stays."""
    return [part for one in value.split(",") if (part := one.strip())] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(from_list)]
"""Several names, separated by commas."""


def from_json(value: object) -> object:
    """Parse a JSON text; any other value stays."""
    return json.loads(value) if isinstance(value, str) else value


Strings = Annotated[dict[str, str], BeforeValidator(from_json)]
"""A JSON object of strings."""
Objects = Annotated[tuple[dict[str, Any], ...], BeforeValidator(from_json)]
"""A JSON list of objects."""
