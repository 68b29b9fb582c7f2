"""What the service answers when it refuses."""

import json
from typing import Any, NoReturn


class RefusedError(Exception):
    """An error of the service, on the wire as JSON 1.1 writes it."""

    def __init__(self, code: str, message: str, *, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self._more = more

    def body(self) -> bytes:
        return json.dumps({"__type": self.code, "message": str(self), **self._more}).encode()


def refuse(message: str, code: str = "InvalidParameterException", *, status: int = 400, **more: Any) -> NoReturn:
    """Refuse the call in the service's words."""
    raise RefusedError(code, message, status=status, **more)
