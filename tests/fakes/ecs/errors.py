"""What the service answers when it refuses."""

import json
from html import escape
from typing import Any, NoReturn


class RefusedError(Exception):
    """An error of the service, on the wire as JSON 1.1 writes it."""

    def __init__(self, code: str, message: str, *, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self._more = more

    def body(self, protocol: str = "json") -> bytes:
        """Return it as a service of that protocol writes it."""
        if protocol == "json":
            return json.dumps({"__type": self.code, "message": str(self), **self._more}).encode()
        error = f"<Error><Type>Sender</Type><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        frame = {"query": "<ErrorResponse>{}</ErrorResponse>", "ec2": "<Response><Errors>{}</Errors></Response>"}
        return frame.get(protocol, "{}").format(error).encode()


def refuse(message: str, code: str = "InvalidParameterException", *, status: int = 400, **more: Any) -> NoReturn:
    """Refuse the call in the service's words."""
    raise RefusedError(code, message, status=status, **more)
