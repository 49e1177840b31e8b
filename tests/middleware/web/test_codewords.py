"""The codewords of QR codes, against those that qrcode works out itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import create_data

from wsgi_mfa.web.codewords import codewords

CHARACTERS = st.sampled_from("0123456789ABCDEFXYZ $%*+-./:abcxyzé&=")


def compare(text, level):
    code = QRCode(error_correction=level)
    code.add_data(text)
    version = code.best_fit()
    assert codewords(code.data_list, level) == (version, create_data(version, level, code.data_list))


@given(st.text(CHARACTERS, min_size=1, max_size=180), st.sampled_from([ERROR_CORRECT_L, ERROR_CORRECT_M]))
def test_they_are_those_of_qrcode(text, level):
    compare(text, level)


@pytest.mark.parametrize("level", [ERROR_CORRECT_M, ERROR_CORRECT_H])
@pytest.mark.parametrize("count", [1, 14, 15, 220, 221, 222, 223, 624, 625, 1000, 1270])
def test_they_are_those_of_qrcode_for_every_size(count, level):
    compare("a" * count, level)


def test_what_no_code_holds_is_refused():
    code = QRCode(error_correction=ERROR_CORRECT_M)
    code.add_data("a" * 2400)
    with pytest.raises(DataOverflowError):
        codewords(code.data_list, ERROR_CORRECT_M)
