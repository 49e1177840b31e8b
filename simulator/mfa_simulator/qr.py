"""Reads a QR code from its picture on a page, as a phone's camera does (ISO/IEC 18004).

The picture comes from the page and not from a lens, so no module is ever in doubt and nothing has to be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

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

_COMMAND = re.compile(r"([MmHh])\s*([-\d.,\s]*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


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
    function, masked = _function_modules(version), MASKS[mask]
    bits = [matrix[y][x] ^ (masked(x, y) == 0) for x, y in _path_of_data(size) if not function[y][x]]
    codewords = [_number(bits[at : at + 8]) for at in range(0, len(bits) - 7, 8)]
    return _text(_data(codewords, version), version)


def _modules(path: str) -> Matrix | None:
    """Read a drawing of horizontal strokes of width one; None when it has not the shape of a QR code."""
    strokes: list[tuple[int, int, int]] = []
    x = y = 0.0
    for command, arguments in _COMMAND.findall(path):
        numbers = [float(number) for number in _NUMBER.findall(arguments)]
        if command in "Mm" and len(numbers) == 2:
            x, y = numbers if command == "M" else (x + numbers[0], y + numbers[1])
        elif command in "Hh" and len(numbers) == 1:
            end = numbers[0] if command == "H" else x + numbers[0]
            strokes.append((int(x), int(end), int(y)))
            x = end
        else:
            return None
    left, top = min((item[0] for item in strokes), default=0), min((item[2] for item in strokes), default=0)
    size = max((item[1] for item in strokes), default=0) - left
    if size < 21 or (size - 17) % 4 or max(item[2] for item in strokes) - top != size - 1:
        return None
    matrix = [[False] * size for _ in range(size)]
    for start, end, row in strokes:
        matrix[row - top][start - left : end - left] = [True] * (end - start)
    return matrix


def _level_and_mask(matrix: Matrix) -> tuple[int, int]:
    """Read the fifteen format bits beside the upper left finder."""
    column = [matrix[y][8] for y in (0, 1, 2, 3, 4, 5, 7, 8)]
    row = [matrix[8][x] for x in (7, 5, 4, 3, 2, 1, 0)]
    value = _number(list(reversed(column + row))) ^ FORMAT_MASK
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


def _path_of_data(size: int) -> Iterator[tuple[int, int]]:
    """Go up and down in columns of two from the right, but for the timing column."""
    upward = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for step in range(size):
            y = size - 1 - step if upward else step
            yield right, y
            yield right - 1, y
        upward = not upward


def _data(codewords: list[int], version: int) -> list[int]:
    """Put the interleaved blocks in order and leave out what is for error correction."""
    blocks, correction = BLOCKS[version - 1], CORRECTION[version - 1]
    short = len(codewords) // blocks - correction
    long_blocks = len(codewords) % blocks
    ordered: list[list[int]] = [[] for _ in range(blocks)]
    stream = iter(codewords)
    for index in range(short + 1):
        for number, block in enumerate(ordered):
            if index < short or number >= blocks - long_blocks:
                block.append(next(stream))
    return [codeword for block in ordered for codeword in block]


def _text(data: list[int], version: int) -> str:
    """Read the segments, whatever mode each is in."""
    bits = [bool(codeword >> shift & 1) for codeword in data for shift in range(7, -1, -1)]
    size_class = (version > 9) + (version > 26)
    text, at = b"", 0
    while len(bits) - at >= 4 and (mode := _number(bits[at : at + 4])):
        if mode not in LENGTH_BITS:
            raise StepError(f"the phone cannot read this QR code: mode {mode} is not for text")
        width = LENGTH_BITS[mode][size_class]
        at += 4 + width
        count = _number(bits[at - width : at])
        segment, used = _segment(mode, bits[at:], count)
        text, at = text + segment, at + used
    return text.decode("utf-8")


def _segment(mode: int, bits: list[bool], count: int) -> tuple[bytes, int]:
    """Read `count` characters of one mode; give them and how many bits they took."""
    if mode == 4:
        return bytes(_number(bits[8 * index : 8 * index + 8]) for index in range(count)), 8 * count
    # Digits come in threes in 10 bits, other capitals in twos in 11; what is left over takes fewer.
    size, widths = (3, (0, 4, 7, 10)) if mode == 1 else (2, (0, 6, 11))
    text, at = "", 0
    for begin in range(0, count, size):
        length = min(size, count - begin)
        value = _number(bits[at : at + widths[length]])
        at += widths[length]
        if mode == 1:
            text += f"{value:0{length}d}"
        else:
            text += ALPHANUMERIC[value // 45] * (length == 2) + ALPHANUMERIC[value % 45]
    return text.encode("ascii"), at


def _number(bits: list[bool]) -> int:
    """Read bits as a number, the highest first."""
    value = 0
    for bit in bits:
        value = value << 1 | bit
    return value
