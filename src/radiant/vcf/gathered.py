"""Decompressed content that waits for the end of its last line."""

from collections.abc import Iterator


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
        """Add content up to a size, and twice what there is where no line ended; tell whether there may be more."""
        wanted = max(size, 2 * self._size)
        try:
            while self._size < wanted:
                part = next(content, None)
                if part is None:
                    return False
                self._parts.append(part)
                self._size += len(part)
        except Exception as error:  # noqa: BLE001 - told after the lines before it
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
