"""The breaks of the middleware fit it still, so that a rule which moves takes its sabotage along."""

from __future__ import annotations

import importlib.util
import sys

import pytest

import wsgi_mfa

pytestmark = pytest.mark.any_python


def test_every_break_fits_the_middleware_and_names_scenarios_that_there_are(root):
    """Else change the break beside the rule, in the file of tests/sabotage/breaks that the message names."""
    spec = importlib.util.spec_from_file_location("breaks", root / "tests" / "sabotage" / "breaks.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool  # where its dataclass looks for its annotations
    spec.loader.exec_module(tool)
    assert tool.package_folder().samefile(next(iter(wsgi_mfa.__path__)))
    assert list(tool.misfits(tool.read_breaks(), tool.package_folder())) == []
