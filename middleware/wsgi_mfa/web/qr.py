"""The key URI as a QR code: one SVG path on its own white ground, part of the page itself (R38)."""

from __future__ import annotations

import re

#: Light modules around the code (ISO/IEC 18004). Pages without them cannot be scanned in dark mode.
QUIET_ZONE = 4
#: About how wide the picture is, in CSS pixels, before modules are made whole pixels.
WIDTH_PIXELS = 250
#: The standard has a writer try all eight masks and score them, which takes six times as long as all the rest.
#: Readers take any mask; this one, a chequerboard, leaves no large areas of one colour.
_MASK = 0
_DARK_RUN = re.compile(rb"\x01+")


def qr_svg(uri: str) -> str:
    """An ``<svg>`` element for an HTML page that shows ``uri`` at error correction level M.

    Its text alternative says what it is and where to find the key in words, and never holds the key (R86). Each module
    is a whole number of CSS pixels, so that cameras see sharp edges; the page may make it smaller.
    """
    matrix = _matrix(uri)
    side = len(matrix) + 2 * QUIET_ZONE
    pixels = side * max(3, round(WIDTH_PIXELS / side))
    return (
        f'<svg class="qr" role="img" aria-label="QR code to scan with an authenticator app"'
        f' width="{pixels}" height="{pixels}" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path stroke="#000" d="{_path(matrix)}"/></svg>'
    )


def _matrix(uri: str) -> list[bytes]:
    """Rows of modules, 1 for dark ones, without the quiet zone."""
    # Imported late: only a page that enrolls a phone needs them.
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.main import QRCode

    code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=_MASK)
    code.add_data(uri)
    code.make()
    return [bytes(map(bool, row)) for row in code.get_matrix()]


def _path(matrix: list[bytes]) -> str:
    """A stroke of width one through the middle of every run of dark modules, by relative moves."""
    strokes = [f"M{QUIET_ZONE} {QUIET_ZONE}.5"]
    pen_x = pen_y = 0
    for y, row in enumerate(matrix):
        for run in _DARK_RUN.finditer(row):
            start, end = run.span()
            strokes.append(f"m{start - pen_x} {y - pen_y}h{end - start}")
            pen_x, pen_y = end, y
    return "".join(strokes)
