"""Reads a QR code from its picture on a page, as a phone's camera does (ISO/IEC 18004).

The picture comes from the page and not from a lens, so no module is ever in doubt and nothing has to be corrected.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache

from mfa_simulator.errors import StepError

Matrix = list[list[bool]]

FORMAT_MASK = 0x5412
LEVEL_M = 0
# Error correction level M, by version from 1 to 40: blocks, and error correction codewords in each block.
BLOCKS = (
    *(1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16),
    *(17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49),
)
CORRECTION = (10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26) + (28,) * 19
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# By mode indicator: the bits of the length for versions to 9, to 26 and to 40.
LENGTH_BITS = {1: (10, 12, 14), 2: (9, 11, 13), 4: (8, 16, 16)}

# By mask: a data module was turned over where this is zero.
MASKS: tuple[Callable[[int, int], int], ...] = (
    lambda x, y: (x + y) % 2,
    lambda _, y: y % 2,
    lambda x, _: x % 3,
    lambda x, y: (x + y) % 3,
    lambda x, y: (x // 3 + y // 2) % 2,
    lambda x, y: x * y % 2 + x * y % 3,
    lambda x, y: (x * y % 2 + x * y % 3) % 2,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2,
)

_SPACED = {letter: f" {letter} " for letter in "MmHh"} | {",": " ", "-": " -"}
_BITS = bytes.maketrans(b"\0\1", b"01")


def text_in_picture(paths: list[str]) -> str | None:
    """Give what the QR code among the drawings of a page says; None when none of them is one."""
    for path in paths:
        matrix = _modules(path)
        if matrix is not None:
            return text_in(matrix)
    return None


def text_in(matrix: Matrix) -> str:
    """Give the text of a QR code, rows of modules without the quiet zone, True for dark ones.

    Raises StepError for an error correction level other than M and for modes that no key URI needs.
    """
    size = len(matrix)
    version = (size - 17) // 4
    level, mask = _level_and_mask(matrix)
    if level != LEVEL_M:
        raise StepError("the phone cannot read this QR code: its error correction level is not M")
    order, turned = _order_of_data(version), _turned_over(version, mask)
    modules = bytes(itertools.chain.from_iterable(matrix))
    bits = int.from_bytes(bytes(map(modules.__getitem__, order)), "big") ^ turned
    count = len(order) // 8
    codewords = int(bits.to_bytes(len(order), "big").translate(_BITS)[: 8 * count], 2).to_bytes(count, "big")
    return _text(_data(codewords, version), version)


def _modules(path: str) -> Matrix | None:
    """Read a drawing of horizontal strokes of width one; None when it has not the shape of a QR code."""
    try:
        strokes = _strokes(_words(path))
    except (ValueError, StopIteration):  # another command, or not as many numbers as it takes
        return None
    left, top = min((item[0] for item in strokes), default=0), min((item[2] for item in strokes), default=0)
    size = max((item[1] for item in strokes), default=0) - left
    if size < 21 or (size - 17) % 4 or max(item[2] for item in strokes) - top != size - 1:
        return None
    matrix = [[False] * size for _ in range(size)]
    for start, end, row in strokes:
        matrix[row - top][start - left : end - left] = [True] * (end - start)
    return matrix


def _words(path: str) -> list[str]:
    for letter, spaced in _SPACED.items():
        path = path.replace(letter, spaced)
    return path.split()


def _strokes(words: list[str]) -> list[tuple[int, int, int]]:
    """Draw; give where each horizontal stroke begins and ends, and in which row."""
    strokes: list[tuple[int, int, int]] = []
    x = y = 0.0
    rest = iter(words)
    for command in rest:
        first = float(next(rest))
        if command == "h" or command == "H":
            end = first + x if command == "h" else first
            strokes.append((int(x), int(end), int(y)))
            x = end
        elif command == "m":
            x, y = x + first, y + float(next(rest))
        elif command == "M":
            x, y = first, float(next(rest))
        else:
            raise ValueError(f"{command} draws no code")
    return strokes


def _level_and_mask(matrix: Matrix) -> tuple[int, int]:
    """Read the fifteen format bits beside the upper left finder."""
    column = [matrix[y][8] for y in (0, 1, 2, 3, 4, 5, 7, 8)]
    row = [matrix[8][x] for x in (7, 5, 4, 3, 2, 1, 0)]
    value = sum(dark << place for place, dark in enumerate(column + row)) ^ FORMAT_MASK
    return value >> 13, value >> 10 & 7


def alignment_centres(version: int) -> list[int]:
    """Give the rows and columns in which alignment patterns have their centres."""
    if version == 1:
        return []
    count, size = version // 7 + 2, 17 + 4 * version
    gap = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    return [6, *reversed([size - 7 - gap * index for index in range(count - 1)])]


def _function_modules(version: int) -> Matrix:
    """Mark everything that is no data: finders, timing, alignment, format and version."""
    size = 17 + 4 * version
    function = [[False] * size for _ in range(size)]

    def mark(left: int, top: int, width: int, height: int) -> None:
        for y in range(top, top + height):
            function[y][left : left + width] = [True] * width

    mark(0, 0, 9, 9)
    mark(size - 8, 0, 8, 9)
    mark(0, size - 8, 9, 8)
    mark(0, 6, size, 1)
    mark(6, 0, 1, size)
    centres = alignment_centres(version)
    for y in centres:
        for x in centres:
            # Where a finder stands there is no alignment pattern.
            if (x, y) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                mark(x - 2, y - 2, 5, 5)
    if version >= 7:
        mark(size - 11, 0, 3, 6)
        mark(0, size - 11, 6, 3)
    return function


@lru_cache(maxsize=40)
def _order_of_data(version: int) -> tuple[int, ...]:
    """Give where the data modules stand, counted along the rows, in the order of their bits.

    It goes up and down in columns of two from the right, but for the timing column.
    """
    size, function = 17 + 4 * version, _function_modules(version)
    order: list[int] = []
    rows = range(size - 1, -1, -1)
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        order += [y * size + x for y in rows for x in (right, right - 1) if not function[y][x]]
        rows = rows[::-1]
    return tuple(order)


@lru_cache(maxsize=40)
def _turned_over(version: int, mask: int) -> int:
    """Give a number with a byte for each data module, 1 where the mask has turned the module over."""
    size, masked = 17 + 4 * version, MASKS[mask]
    return int.from_bytes(bytes(masked(at % size, at // size) == 0 for at in _order_of_data(version)), "big")


def _data(codewords: bytes, version: int) -> bytes:
    """Put the interleaved blocks in order and leave out what is for error correction."""
    blocks, correction = BLOCKS[version - 1], CORRECTION[version - 1]
    short = len(codewords) // blocks - correction
    long_blocks = len(codewords) % blocks
    # One more codeword of each long block stands behind those that all blocks have.
    more = codewords[short * blocks : short * blocks + long_blocks]
    ordered = [codewords[number : short * blocks : blocks] for number in range(blocks)]
    for number, codeword in enumerate(more, start=blocks - long_blocks):
        ordered[number] += bytes([codeword])
    return b"".join(ordered)


class _Bits:
    """Bits that are taken from the front, a few at a time."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        """Read bits as a number, the highest first."""
        self.left -= count
        return self._value >> self.left & (1 << count) - 1


def _text(data: bytes, version: int) -> str:
    """Read the segments, whatever mode each is in."""
    bits, size_class, text = _Bits(data), (version > 9) + (version > 26), b""
    while bits.left >= 4 and (mode := bits.take(4)):
        if mode not in LENGTH_BITS:
            raise StepError(f"the phone cannot read this QR code: mode {mode} is not for text")
        text += _segment(mode, bits, bits.take(LENGTH_BITS[mode][size_class]))
    return text.decode("utf-8")


def _segment(mode: int, bits: _Bits, count: int) -> bytes:
    """Read `count` characters of one mode."""
    if mode == 4:
        return bits.take(8 * count).to_bytes(count, "big")
    # Digits come in threes in 10 bits, other capitals in twos in 11; what is left over takes fewer.
    size, widths = (3, (0, 4, 7, 10)) if mode == 1 else (2, (0, 6, 11))
    text = ""
    for begin in range(0, count, size):
        length = min(size, count - begin)
        value = bits.take(widths[length])
        if mode == 1:
            text += f"{value:0{length}d}"
        else:
            text += ALPHANUMERIC[value // 45] * (length == 2) + ALPHANUMERIC[value % 45]
    return text.encode("ascii")
