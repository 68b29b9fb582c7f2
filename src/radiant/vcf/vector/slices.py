"""Pieces of a text, found and compared without making a Python object of any of them.

A column of a VCF chunk is one buffer and two arrays: where each piece starts and where it ends.

    buffer   A C = 1 ; D P = 1 3 9 ; D B A C = 2 ; D P = 8
             0 1 2 3 4 5 6 7 8 9 ...
    INFO     start [0, 13]   end [13, 22]             two lines
    fields   start [0, 5, 12, ...]  end [4, 11, ...]  `split` at every `;`: the separators are found once per buffer
    owner          [0, 0, 0, 1, 1]                    which line a field is of

Strings for Arrow come out of the same buffer without a loop. Offsets that interleave starts and ends describe an array
in which every second string is a piece, and the others are what lies between; `take` copies the wanted ones:

    offsets  [start0, end0, start1, end1, ...]   take [0, 2, 4, ...]

Short pieces are compared and read as numbers eight bytes at once: the buffer seen as overlapping 64-bit words.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Type checkers accept numpy arrays as buffers from Python 3.12 on.
# pyright: reportArgumentType=false, reportCallIssue=false

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Words = NDArray[np.uint64]

WORD = 8
"""Bytes of a word; as many zeros follow every buffer, so that the word at the last byte exists."""
_ONES, _ONE, _HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(1), np.uint64(0x8080808080808080)
_LOW_BYTES: Words = np.array([(1 << (8 * n)) - 1 for n in range(WORD)] + [(1 << 64) - 1], dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Buffer:
    """Text as bytes, padded."""

    data: NDArray[np.uint8]
    """The text without its padding."""
    padded: NDArray[np.uint8]

    @classmethod
    def of(cls, *texts: bytes | memoryview | NDArray[np.uint8]) -> "Buffer":
        """Copy texts, one after the other, and pad them."""
        size = sum(map(len, texts))
        padded = np.empty(size + WORD, dtype=np.uint8)
        at = 0
        for text in texts:
            padded[at : at + len(text)] = np.frombuffer(text, dtype=np.uint8)
            at += len(text)
        padded[size:] = 0
        return cls(padded[:size], padded)

    @cached_property
    def words(self) -> Words:
        """The word that starts at each byte, its first character in the lowest byte."""
        return np.ndarray((len(self.padded) - WORD + 1,), dtype="<u8", buffer=self.padded, strides=(1,))

    @cached_property
    def arrow(self) -> pa.Buffer:
        """The same memory for Arrow."""
        return pa.py_buffer(self.padded)

    @cached_property
    def _found(self) -> dict[str, Integers]:
        return {}

    def find(self, character: str) -> Integers:
        """Return where a character is, ascending; looked for once."""
        found = self._found.get(character)
        if found is None:
            found = self._found[character] = np.flatnonzero(self.data == ord(character))
        return found


@dataclass(frozen=True, eq=False)
class Slices:
    """Pieces `start[i]:end[i]` of a buffer, in any order."""

    buffer: Buffer
    start: Integers
    end: Integers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.start)

    def __getitem__(self, which: Any) -> "Slices":
        """Return some of them: by a mask, by indexes, by a slice."""
        return Slices(self.buffer, self.start[which], self.end[which])

    @cached_property
    def length(self) -> Integers:
        """Bytes of each."""
        return self.end - self.start

    def byte(self, at: int) -> NDArray[np.uint8]:
        """Return byte `at` of each piece; of a shorter piece, a byte that follows it."""
        return self.buffer.padded[self.start + at]

    def word(self, at: int = 0) -> Words:
        """Return the eight bytes from byte `at` on, zeros after the piece's end."""
        left = np.minimum(self.length, WORD) if at == 0 else np.clip(self.length - at, 0, WORD)
        # A byte after the piece may be after the buffer, too: the mask removes it.
        places = self.start if at == 0 else np.minimum(self.start + at, len(self.buffer.data))
        return self.buffer.words[places] & _LOW_BYTES[left]

    def equals(self, text: str) -> Mask:
        """Return which pieces are a text."""
        raw = text.encode()
        same = self.length == len(raw)
        for at in range(0, len(raw), WORD):
            if same.any():
                same &= self.word(at) == int.from_bytes(raw[at : at + WORD], "little")
        return same

    def having(self, character: str) -> Mask:
        """Return which pieces have a character; fast for one that is rare, or that is split at anyway."""
        places = self.buffer.find(character)
        if not len(places):
            return np.zeros(len(self), dtype=np.bool_)
        return np.searchsorted(places, self.start) < np.searchsorted(places, self.end)

    def first(self, character: str) -> Integers:
        """Return where a character is for the first time in each piece, the piece's end where it is not."""
        wanted = np.uint64(ord(character) * 0x0101010101010101)
        place = self.end.copy()
        rest: Integers | slice = slice(None)
        for at in (0, WORD):
            start = self.start[rest] + at
            different = self.buffer.words[np.minimum(start, len(self.buffer.data))] ^ wanted
            # The lowest high bit that is set is that of the first byte without a difference.
            same = (different - _ONES) & ~different & _HIGH_BITS
            found = start + (np.bitwise_count((same & -same) - _ONE) >> 3)
            place[rest] = np.where(same != 0, np.minimum(found, place[rest]), place[rest])
            rest = np.flatnonzero((place == self.end) & (self.length > at + WORD))
            if not len(rest):
                return place
        places = np.append(self.buffer.find(character), len(self.buffer.data))
        place[rest] = np.minimum(places[np.searchsorted(places, self.start[rest])], place[rest])
        return place

    def same_as(self, other: "Slices") -> Mask:
        """Return which pieces equal those of another array at the same place."""
        same = self.length == other.length
        rest = np.flatnonzero(same)
        mine, others = self[rest], other[rest]
        at = 0
        while len(rest):
            equal = mine.word(at) == others.word(at)
            same[rest[~equal]] = False
            at += WORD
            more = equal & (mine.length > at)
            rest, mine, others = rest[more], mine[more], others[more]
        return same

    def strings(self, null: Mask | None = None) -> pa.StringArray:
        """Return Arrow strings: copies, null where the mask is True."""
        count = len(self)
        if null is not None and null.any():
            some = self[~null].strings()
            offsets = np.zeros(count + 1, dtype=np.int32)
            np.cumsum(np.where(null, 0, self.length), out=offsets[1:])
            valid = pa.array(~null).buffers()[1]
            return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), some.buffers()[2], valid)
        if count == 0:
            return pa.array([], pa.string())
        offsets = np.empty(2 * count + 1, dtype=np.int32)
        offsets[0:-1:2] = self.start
        offsets[1::2] = self.end
        # `take` reserves as much as the average string has; the last offset decides what it takes for the average.
        first = int(self.start[0])
        offsets[-1] = max(first, min(first + 2 * int(self.length.sum()), len(self.buffer.data)))
        pieces = pa.StringArray.from_buffers(2 * count, pa.py_buffer(offsets), self.buffer.arrow)
        return pieces.take(pa.array(np.arange(0, 2 * count, 2, dtype=np.int32)))

    def dictionary(self, null: Mask | None = None) -> pa.DictionaryArray:
        """Return Arrow strings as a dictionary, null where the mask is True.

        Up to eight bytes are compared as numbers: no string is made but the distinct ones.
        """
        if null is not None and null.any():
            some = self[~null].dictionary()
            codes = np.zeros(len(self), dtype=np.int32)
            codes[~null] = some.indices.to_numpy()
            return pa.DictionaryArray.from_arrays(pa.array(codes, mask=null), some.dictionary)
        if len(self) == 0 or int(self.length.max()) > WORD:
            return self.strings().dictionary_encode()
        found = pa.array(self.word()).dictionary_encode()
        distinct = found.dictionary.to_numpy().astype("<u8").view(f"S{WORD}").tolist()
        return pa.DictionaryArray.from_arrays(found.indices, pa.array(distinct, pa.string()))

    @classmethod
    def of(cls, strings: pa.StringArray) -> "Slices":
        """Take Arrow strings without a null, as they are in memory, one after the other."""
        if not len(strings):
            return cls(Buffer.of(b""), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        _, ends, content = strings.buffers()
        offsets = np.frombuffer(ends, dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
        offsets = offsets.astype(np.int64)
        text = b"" if content is None else memoryview(content)[int(offsets[0]) : int(offsets[-1])]
        offsets -= offsets[0]
        return cls(Buffer.of(text), offsets[:-1], offsets[1:])

    def compact(self) -> "Slices":
        """Return the same pieces in a buffer of their own, one after the other."""
        return Slices.of(self.strings()) if len(self) else self

    def terminated(self) -> Buffer:
        """Return the same pieces in a buffer of their own, a line break after each."""
        if not len(self):
            return Buffer.of(b"")
        # One byte more of each piece, and one piece more: the padding after the text.
        size, behind = int(self.length.sum()) + len(self), len(self.buffer.data)
        pieces = Slices(self.buffer, np.append(self.start, behind), np.append(self.end + 1, behind + WORD))
        padded = np.frombuffer(pieces.strings().buffers()[2], dtype=np.uint8)[: size + WORD]
        padded[np.cumsum(self.length + 1) - 1] = ord("\n")
        return Buffer(padded[:size], padded)

    def texts(self) -> list[str]:
        """Return Python strings."""
        return self.strings().to_pylist()


@dataclass(frozen=True, eq=False)
class Items:
    """Pieces split at a separator: the items of all of them, one piece after the other."""

    items: Slices
    first: Integers
    """Index of each piece's first item."""
    count: Integers
    """How many items each piece has, 1 at least."""

    @cached_property
    def owner(self) -> Integers:
        """Which piece each item is of."""
        return np.repeat(np.arange(len(self.first)), self.count)


def split(pieces: Slices, separators: Integers) -> Items:
    """Split pieces at every separator inside them.

    Args:
        pieces: What to split.
        separators: Where the separator is in their buffer, ascending (`Buffer.find`).
    """
    low = np.searchsorted(separators, pieces.start)
    high = np.searchsorted(separators, pieces.end)
    inside = high - low
    count = inside + 1
    first = np.cumsum(count) - count
    total = int(count.sum())
    ends_here = np.zeros(total, dtype=np.bool_)
    ends_here[first + inside] = True
    starts_here = np.zeros(total, dtype=np.bool_)
    starts_here[first] = True
    adjoining = len(pieces) > 0 and (low[1:] == high[:-1]).all()
    at = separators[low[0] : high[-1]] if adjoining else separators[ranges(low, inside)]
    start = np.empty(total, dtype=np.int64)
    end = np.empty(total, dtype=np.int64)
    start[starts_here] = pieces.start
    start[~starts_here] = at + 1
    end[ends_here] = pieces.end
    end[~ends_here] = at
    return Items(Slices(pieces.buffer, start, end), first, count)


def ranges(first: Integers, count: Integers) -> Integers:
    """Return first[0], first[0] + 1, ... (count[0] numbers), first[1], ...: the concatenation of ranges."""
    total = int(count.sum())
    before = np.cumsum(count) - count
    return np.arange(total) + np.repeat(first - before, count)


def encoded(strings: pa.Array) -> tuple[Integers, list[Any]]:
    """Return the code of each value and the distinct values; nulls have the code -1."""
    dictionary = strings.dictionary_encode()
    codes = dictionary.indices
    if codes.null_count:
        codes = codes.fill_null(-1)
    return codes.to_numpy(zero_copy_only=False).astype(np.int64), dictionary.dictionary.to_pylist()
