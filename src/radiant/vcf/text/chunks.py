"""A chunk of text: its lines, their columns, and where each line is on the genome."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from radiant.vcf.text.limits import MAX_ENTRIES, crowded
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices

_LAST_CONTROL = 32
_FIRST_NOT_ASCII = 128
_BREAK, _TAB = ord("\n"), ord("\t")
_INFO = 7


@dataclass(frozen=True, eq=False)
class Chunk:
    """Whole lines of text."""

    first_line: int
    """Number of the first one, 1-based, in the file."""
    buffer: Buffer
    lines: Slices
    """Without their line breaks."""
    tabs: Integers
    """Where all tabs are."""
    first_tab: Integers
    """Index among them of each line's first."""
    whole: Mask
    """Lines with as many columns as the header."""
    regular: Mask
    """Those without control characters, that are ASCII except for UTF-8 in INFO, and not `limits.crowded`."""

    @classmethod
    def of(cls, first_line: int, buffer: Buffer, columns: int) -> "Chunk":
        r"""Find lines and columns.

        Args:
            first_line: The number of the first line.
            buffer: Lines that end with `\\n`; the last one need not.
            columns: How many a line must have.
        """
        size = len(buffer.data)
        # Bytes from 128 on are negative: what is low is a control character or outside ASCII.
        low = np.flatnonzero(buffer.data.view(np.int8) < _LAST_CONTROL)
        characters = buffer.data[low]
        breaks, tabs = low[characters == _BREAK], low[characters == _TAB]
        start = np.concatenate((np.zeros(1, dtype=np.int64), breaks + 1))
        end = np.concatenate((breaks, np.array([size])))
        if start[-1] == size:
            start, end = start[:-1], end[:-1]
        lines = Slices(buffer, start, end)
        first_tab = np.searchsorted(tabs, start)
        whole = np.diff(np.append(first_tab, len(tabs))) == columns - 1
        regular = whole.copy()
        if len(low) > len(breaks) + len(tabs):
            odd = low[(characters != _BREAK) & (characters != _TAB)]
            line = np.searchsorted(start, odd, side="right") - 1
            in_info = _in_info(lines, tabs, first_tab, odd, line)
            regular[line[(buffer.data[odd] < _FIRST_NOT_ASCII) | ~in_info]] = False
            for one in np.unique(line[regular[line]]).tolist():
                regular[one] = _is_utf8(buffer.data[start[one] : end[one]])
        for line in np.flatnonzero(regular & (lines.length > MAX_ENTRIES)).tolist():
            regular[line] = crowded(buffer.data[start[line] : end[line]].tobytes()) is None
        return cls(first_line, buffer, lines, tabs, first_tab, whole, regular)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.lines)

    def column(self, index: int, of: Integers) -> Slices:
        """Return a column of some regular lines, by its index from 0."""
        first = self.first_tab[of] + index
        start = self.tabs[first - 1] + 1 if index else self.lines.start[of]
        last = index == self._last_column
        return Slices(self.buffer, start, self.lines.end[of] if last else self.tabs[first])

    @cached_property
    def _last_column(self) -> int:
        regular = np.flatnonzero(self.regular)
        one = int(regular[0]) if len(regular) else 0
        following = self.first_tab[one + 1] if one + 1 < len(self) else len(self.tabs)
        return int(following - self.first_tab[one])

    def raw(self, line: int) -> bytes:
        """Return the bytes of a line."""
        return self.buffer.data[self.lines.start[line] : self.lines.end[line]].tobytes()


def _in_info(lines: Slices, tabs: Integers, first_tab: Integers, byte: Integers, line: Integers) -> Mask:
    """Return which bytes of whole lines are in INFO; any answer for bytes of other lines.

    Args:
        lines: All lines.
        tabs: Where all tabs are.
        first_tab: Index among them of each line's first.
        byte: Where the bytes are.
        line: The line of each.
    """
    around = np.concatenate((tabs, np.full(_INFO + 1, lines.buffer.data.size)))
    before = first_tab[line] + _INFO - 1
    return (byte > around[before]) & ((byte < around[before + 1]) | (around[before + 1] > lines.end[line]))


def _is_utf8(text: NDArray[np.uint8]) -> bool:
    try:
        text.tobytes().decode()
    except UnicodeDecodeError:
        return False
    return True
