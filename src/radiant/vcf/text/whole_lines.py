"""Decompressed content becomes whole lines: what waits for its end, line ends, empty lines."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class TextMarks:
    """What the report says of a file's text, or of a part of it."""

    had_bom: bool = False
    had_crlf: bool = False
    ended_without_break: bool = False
    ended_with_empty_lines: bool = False
    """Empty lines at the end of the file are no records."""

    def merge(self, later: "TextMarks") -> None:
        """Add the marks of a later part of the file."""
        self.had_bom |= later.had_bom
        self.had_crlf |= later.had_crlf
        self.ended_without_break |= later.ended_without_break
        self.ended_with_empty_lines |= later.ended_with_empty_lines


def without_cr(text: bytes, marks: TextMarks) -> bytes:
    """Replace Windows line ends, and mark that there were some."""
    if b"\r" not in text:
        return text
    unix = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    marks.had_crlf |= len(unix) != len(text)
    return unix


class Gathered:
    """Content that is waiting for the end of its last line.

    At least so much is added at once as there is: joining each small block to a long line would be quadratic.
    """

    def __init__(self, first: bytes) -> None:
        self._parts = [first]
        self._size = len(first)
        self.error: Exception | None = None
        """What kept the content from coming whole."""

    def __len__(self) -> int:
        """Return the number of bytes."""
        return self._size

    def extend(self, content: Iterator[bytes], size: int) -> bool:
        """Add content up to a size, and twice what there is where no line ended; return whether there may be more."""
        wanted = max(size, 2 * self._size)
        try:
            while self._size < wanted:
                part = next(content, None)
                if part is None:
                    return False
                self._parts.append(part)
                self._size += len(part)
        except Exception as error:  # noqa: BLE001 - raised after the lines before it
            self.error = error
            return False
        return True

    def cut(self) -> list[bytes]:
        """Take the whole lines: one text, or none."""
        text = self.text()
        end = text.rfind(b"\n") + 1
        self._parts = [text[end:]]
        self._size = len(text) - end
        return [text[:end]] if end else []

    def text(self) -> bytes:
        """Return what there is."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]
