"""The wheel holds the three packages with their data, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

import pytest

import wsgi_mfa

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def shipped(missing):
    """The names in the wheel that tox built for this run."""
    path = os.environ.get("TOX_PACKAGE", "")
    if not path.endswith(".whl"):
        missing("the wheel, which tox builds,")
    with ZipFile(path) as wheel:
        return wheel.namelist()


def test_the_wheel_has_nothing_but_our_packages(shipped):
    top = {name.partition("/")[0] for name in shipped}
    (information,) = {name for name in top if name.endswith(".dist-info")}
    assert top == {"wsgi_mfa", "mfa_simulator", "legacy_portals", information}


def test_the_wheel_has_every_file_of_the_packages(shipped, root):
    folders = (root / "middleware", root / "simulator", root / "fixtures")
    expected = {
        path.relative_to(folder).as_posix()
        for folder in folders
        for package in ("wsgi_mfa", "mfa_simulator", "legacy_portals")
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"wsgi_mfa/py.typed", "mfa_simulator/py.typed"} <= expected
    assert any(name.startswith("wsgi_mfa/web/templates/") for name in expected)
    assert expected <= set(shipped)


def test_what_is_tested_is_the_wheel(shipped):
    assert "site-packages" in Path(wsgi_mfa.__file__).parts
