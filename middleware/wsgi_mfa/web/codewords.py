"""The codewords of a QR code (ISO/IEC 18004, 7.4 to 7.6): what qrcode works out bit by bit, here by whole numbers.

It takes most of the time in which a page with a code is made. Segments, block sizes and the field's tables are
qrcode's own, as is all that is drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from qrcode.base import gexp, glog, rs_blocks
from qrcode.exceptions import DataOverflowError
from qrcode.util import BIT_LIMIT_TABLE, length_in_bits

VERSION_MAX = 40
#: What fills a code up.
_PADDING = b"\xec\x11"


class _Bits:
    """Bits as one number; qrcode's segments write themselves into it."""

    def __init__(self) -> None:
        self.value = self.length = 0

    def put(self, number: int, length: int) -> None:
        self.value = self.value << length | number
        self.length += length


def codewords(segments: Sequence[Any], level: int) -> tuple[int, list[int]]:
    """The smallest version that holds qrcode's ``segments``, and its codewords in the order in which they are drawn.

    :raises DataOverflowError: no version holds so much.
    """
    version = 1
    while version <= VERSION_MAX:
        bits = _written(segments, version)
        fitting = bisect_left(BIT_LIMIT_TABLE[level], bits.length, version)
        # In a larger one the lengths of segments may take more bits.
        if fitting == version:
            return version, _in_blocks(bits, version, level)
        version = fitting
    raise DataOverflowError


def _written(segments: Sequence[Any], version: int) -> _Bits:
    bits = _Bits()
    for segment in segments:
        bits.put(segment.mode, 4)
        bits.put(len(segment), length_in_bits(segment.mode, version))
        segment.write(bits)
    return bits


def _in_blocks(bits: _Bits, version: int, level: int) -> list[int]:
    blocks = rs_blocks(version, level)
    count = sum(block.data_count for block in blocks)
    bits.put(0, min(4, 8 * count - bits.length))
    bits.put(0, -bits.length % 8)
    data = bits.value.to_bytes(bits.length // 8, "big")
    data += (_PADDING * count)[: count - len(data)]
    parts, corrections, begin = [], [], 0
    for block in blocks:
        part = data[begin : begin + block.data_count]
        parts.append(part)
        corrections.append(_correction(part, block.total_count - block.data_count))
        begin += block.data_count
    return [word for word in chain(*zip_longest(*parts), *zip_longest(*corrections)) if word is not None]


def _correction(data: bytes, count: int) -> bytes:
    """The remainder of the data by the generator polynomial, a Reed-Solomon code of ``count`` codewords."""
    multiples, rest = _multiples(count), 0
    for word in data:
        top = rest >> 8 * (count - 1)
        rest = (rest << 8 & (1 << 8 * count) - 1) ^ multiples[word ^ top]
    return rest.to_bytes(count, "big")


@lru_cache(maxsize=64)
def _multiples(count: int) -> tuple[int, ...]:
    """The generator polynomial of a degree, without its first term, times each of the field's 256 elements."""
    generator = [1]
    for power in range(count):
        shifted = [*generator, 0]
        scaled = [0, *(_product(term, gexp(power)) for term in generator)]
        generator = [one ^ other for one, other in zip(shifted, scaled, strict=True)]
    return tuple(
        int.from_bytes(bytes(_product(term, factor) for term in generator[1:]), "big")
        for factor in range(256)
    )


def _product(one: int, other: int) -> int:
    return int(gexp(glog(one) + glog(other))) if one and other else 0
