"""Prints text that may quote a file, a name or a server: a terminal obeys control characters, so none is printed."""

import codecs
import io
import re
import sys

import typer

_SHOWN = "\N{REPLACEMENT CHARACTER}"
_LAYOUT = re.compile(r"([\n\t])")


def printable(text: str) -> str:
    r"""Return a text of one line with each control character replaced, tabs and line ends too.

    Example: `printable("a\x1b[2Jb")` is `a` and `[2Jb` with U+FFFD between them. What changes the direction of writing
    is replaced as well (`str.isprintable`).
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _SHOWN for one in text)


def printable_lines(text: str) -> str:
    """Return a text with each control character replaced except tabs and line ends."""
    return "".join(part if part in {"\n", "\t"} else printable(part) for part in _LAYOUT.split(text))


def echo(text: str, *, err: bool = False) -> None:
    """Print lines that may hold foreign text to standard output, or to standard error."""
    typer.echo(printable_lines(text), err=err)


class TerminalBytes(io.RawIOBase):
    """Standard output, where it is a terminal, for a writer of UTF-8: control characters in the data are replaced."""

    def __init__(self) -> None:
        super().__init__()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: object, /) -> int:
        """Print UTF-8; a character may be cut between two calls."""
        content = bytes(data)  # pyright: ignore[reportArgumentType] - a buffer
        sys.stdout.write(printable_lines(self._decoder.decode(content)))
        return len(content)
