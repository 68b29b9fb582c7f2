"""An SMTP server of this machine that keeps the mail it receives."""

import contextlib
import json
import socket
from collections.abc import Iterator
from email import message_from_bytes
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from email.message import Message


class Mails:
    """Receives mail."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], Message]] = []
        """Recipients and mail."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]

    @property
    def connection(self) -> str:
        """The Airflow connection of the server, as JSON."""
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "radiant@centre.example", "retry_limit": 1}
        return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra})

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that aiosmtpd calls
        self.received.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@contextlib.contextmanager
def mail_server() -> Iterator[Mails]:
    """Run the server."""
    mails = Mails()
    server = Controller(mails, hostname="127.0.0.1", port=mails.port)
    server.start()
    try:
        yield mails
    finally:
        server.stop()
