"""Reading QR codes from the drawing on a page."""

from __future__ import annotations

import pytest
from qrcode.base import rs_blocks
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import PATTERN_POSITION_TABLE

from mfa_simulator.errors import StepError
from mfa_simulator.world.qr_reader import BLOCKS, CORRECTION, alignment_centres, text_in, text_in_picture


def drawn(text, *, version=None, mask=0, level=ERROR_CORRECT_M):
    code = QRCode(version=version, error_correction=level, border=0, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    return [[bool(module) for module in row] for row in code.get_matrix()]


def strokes(matrix):
    """A drawing in which each dark module is a stroke of its own, below and right of a margin of four."""
    cells = [(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark]
    return "".join(f"M{x + 4} {y + 4}.5h1" for x, y in cells)


@pytest.mark.parametrize("mask", range(8))
def test_every_mask_is_read(mask):
    assert text_in(drawn("otpauth://totp/a?secret=ABC", mask=mask)) == "otpauth://totp/a?secret=ABC"


@pytest.mark.parametrize("version", [1, 2, 6, 7, 9, 10, 13, 14, 20, 26, 27, 35, 40])
def test_every_size_of_code_is_read(version):
    assert text_in(drawn("Hello", version=version)) == "Hello"


@pytest.mark.parametrize(
    "text",
    [
        "01234567890123456789012345",
        "0123456789012345678901234567",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0",
        "mixed 0123456789012345678901234567 AND CAPITALS ABCDEFGHIJKLMNOPQRSTUVWXYZ and small letters",
        "Müller & Söhne, 日本",
        "x" * 600,
    ],
)
def test_every_kind_of_text_is_read(text):
    assert text_in(drawn(text)) == text


def test_the_tables_are_those_of_the_standard():
    for version in range(1, 41):
        blocks = rs_blocks(version, ERROR_CORRECT_M)
        assert BLOCKS[version - 1] == len(blocks)
        assert {block.total_count - block.data_count for block in blocks} == {CORRECTION[version - 1]}
        assert alignment_centres(version) == list(PATTERN_POSITION_TABLE[version - 1])


def test_the_code_is_found_among_the_drawings_of_a_page():
    icons = ["M12 2 4 5v6c0 5 3.4 9.3 8 11 4.6-1.7 8-6 8-11V5z", "M0 0h1"]
    assert text_in_picture([*icons, strokes(drawn("found"))]) == "found"
    assert text_in_picture(icons) is None
    assert text_in_picture([]) is None


def test_a_code_of_another_level_is_refused_with_its_reason():
    with pytest.raises(StepError, match="level"):
        text_in(drawn("Hello", level=ERROR_CORRECT_L))
