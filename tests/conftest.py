"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

# A slow machine is no failed property. The rest is Hypothesis's own choice, which repeats itself under CI.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


_MARKED = "\npytestmark = pytest.mark.any_python\n"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the files whose tests the expressions of tox.ini leave out."""
    expression = config.option.markexpr
    if collection_path.suffix != ".py" or expression not in ("any_python", "not any_python"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    out = "any_python" not in text if expression == "any_python" else _MARKED in text
    return True if out else None


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def missing() -> Callable[[str], None]:
    """``missing("what")``: skip the test by that name on a laptop, fail it under ``CI=true``.

    What continuous integration leaves out silently is never proved; a developer without the tool should
    still be able to run the rest.
    """

    def give_up(what: str) -> None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true, and {what} is missing", pytrace=False)
        pytest.skip(f"{what} is missing")

    return give_up


@pytest.fixture(scope="session")
def require_tool(missing: Callable[[str], None]) -> Callable[[str], str]:
    """``require_tool("oathtool")``: the path of a program that is installed, else see :func:`missing`."""

    def find(name: str) -> str:
        # Servers lie where only root looks.
        path = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
        if path is None:
            missing(f"the program {name}")
        return str(path)

    return find
