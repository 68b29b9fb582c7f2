"""Typed values as JSON, and back: the only encoder and decoder of documents, job arguments, job outputs and XComs.

A document is a frozen dataclass of the standard library. Pydantic, which the settings bring to both sides, checks what
is read against its annotations: numbers stay numbers, a list becomes a tuple, a text a member of an enumeration. A key
that the dataclass does not have is ignored, so that a release reads what a newer one wrote, unless `exact` forbids it.
"""

import dataclasses
import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from radiant.errors import JobProtocolError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

JsonObject = dict[str, object]
"""A JSON object whose keys are decoded elsewhere."""

exact = with_config(ConfigDict(extra="forbid"))
"""Decorates a dataclass whose documents may have no other keys."""

_MOST_PROBLEMS = 5


def to_json(value: "DataclassInstance") -> JsonObject:
    """Return a value as plain JSON types: what an XCom or the `output` of a result holds."""
    plain: JsonObject = json.loads(json.dumps(dataclasses.asdict(value)))
    return plain


def encode(value: "DataclassInstance") -> bytes:
    """Return a value as UTF-8 JSON with sorted keys."""
    return json.dumps(dataclasses.asdict(value), sort_keys=True, ensure_ascii=False).encode()


def decode(kind: type[T], data: bytes, *, where: str, what: str, remedy: str) -> T:
    """Read a value from JSON.

    Args:
        kind: Its dataclass.
        data: UTF-8 JSON.
        where: URI of the document, or the name of the XCom.
        what: What the document should be, `a request document of protocol 2`.
        remedy: What to do about a document that is not.

    Raises:
        JobProtocolError: not JSON, a key is missing or has another type; `where`, the keys and the remedy are in the
            message, no value is.
    """
    try:
        return _adapter(kind).validate_json(data, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in found]
        more = f"; {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        msg = f"{where} is not {what}: {'; '.join(problems[:_MOST_PROBLEMS])}{more}. {remedy}"
        raise JobProtocolError(msg) from None


def from_json(kind: type[T], value: object, *, where: str, what: str, remedy: str) -> T:
    """Read a value from plain JSON types, as `decode` reads it from text."""
    return decode(kind, json.dumps(value).encode(), where=where, what=what, remedy=remedy)


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter
