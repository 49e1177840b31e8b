"""The QR code that goes into the page."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsgi_mfa.web.qr import qr_svg

pytestmark = pytest.mark.any_python

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
URI = (
    f"otpauth://totp/Client%20Portal:user1%40example.com?secret={KEY}&issuer=Client%20Portal"
    "&algorithm=SHA1&digits=6&period=30"
)
LONG_URI = URI.replace("Client%20Portal", "%E6%97%A5%E6%9C%AC" * 20)


def drawn(svg):
    """The picture as rows of characters, "#" for dark, read from the path as a browser would draw it."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])
    rows = [[" "] * side for _ in range(side)]
    start, strokes = re.search(r'd="M(\d+ \d+\.5)((?:m-?\d+ -?\d+h\d+)+)"', svg).groups()
    x, y = (int(float(number)) for number in start.split())
    for step_x, step_y, length in re.findall(r"m(-?\d+) (-?\d+)h(\d+)", strokes):
        x, y = x + int(step_x), y + int(step_y)
        rows[y][x : x + int(length)] = "#" * int(length)
        x += int(length)
    return ["".join(row) for row in rows]


def test_the_drawing_has_the_modules_that_the_library_computed():
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.main import QRCode

    code = QRCode(error_correction=ERROR_CORRECT_M, border=4, mask_pattern=0)
    code.add_data(URI)
    assert drawn(qr_svg(URI)) == ["".join(" #"[module] for module in row) for row in code.get_matrix()]


@pytest.mark.parametrize("uri", [URI, LONG_URI], ids=["usual", "long"])
def test_the_code_stands_on_its_own_white_ground_with_a_quiet_zone(uri):
    svg = qr_svg(uri)
    rows = drawn(svg)
    side = len(rows)
    assert f'<rect width="{side}" height="{side}" fill="#fff"/>' in svg
    columns = ["".join(column) for column in zip(*rows, strict=True)]
    for lines in (rows, rows[::-1], columns, columns[::-1]):
        assert [line.strip() for line in lines[:4]] == [""] * 4
        assert lines[4].strip().startswith("#######")


@pytest.mark.parametrize("uri", [URI, LONG_URI], ids=["usual", "long"])
def test_each_module_is_a_whole_number_of_pixels(uri):
    svg = qr_svg(uri)
    width, height = re.search(r'width="(\d+)" height="(\d+)" viewBox', svg).groups()
    assert width == height
    assert int(width) % len(drawn(svg)) == 0
    assert int(width) // len(drawn(svg)) >= 3


@pytest.mark.requirement("R86")
def test_the_text_alternative_does_not_hold_the_key():
    svg = qr_svg(URI)
    assert 'role="img"' in svg
    assert re.search(r'aria-label="[^"]+"', svg)
    assert KEY not in svg
    assert "otpauth" not in svg


def test_one_path_of_a_few_kilobytes_is_all():
    svg = qr_svg(URI)
    assert svg.count("<path") == 1
    assert len(svg) < 6_000
    assert re.search(r"\b(style|href|src|xlink)\b", svg) is None


@settings(max_examples=15)
@example(account="P{a-2W2")
@given(account=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=120))
def test_a_camera_reads_what_was_drawn(account):
    zxingcpp = pytest.importorskip("zxingcpp", reason="the package zxing-cpp is the camera")
    image = pytest.importorskip("PIL.Image", reason="the package pillow holds the picture")
    uri = URI.replace("user1", account)
    rows = drawn(qr_svg(uri))
    picture = image.new("L", (len(rows), len(rows)))
    picture.putdata([0 if module == "#" else 255 for row in rows for module in row])
    # A camera app looks for QR codes; among all formats chance rows of modules are now and then a bar code.
    (code,) = zxingcpp.read_barcodes(
        picture.resize((4 * len(rows), 4 * len(rows)), image.Resampling.NEAREST),
        formats=zxingcpp.BarcodeFormat.QRCode,
    )
    assert code.text == uri
