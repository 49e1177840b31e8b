"""What ``import wsgi_mfa`` brings into a process: no more than a request needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: What only some deployments use, only commands or tests need, or takes long and is loaded when it is first needed.
LEFT_OUT = (
    *("mfa_simulator", "legacy_portals", "sqlalchemy", "redis", "rich", "click"),
    *("beaker", "django", "flask", "itsdangerous", "pyramid", "webob"),
    *("cryptography", "jinja2", "qrcode", "PIL", "waitress", "werkzeug", "yaml"),
)


@pytest.fixture(scope="module")
def imported():
    """The top-level modules in a fresh interpreter that has imported the middleware."""
    code = "import sys, wsgi_mfa; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_middleware_is_imported(imported):
    assert {"wsgi_mfa", "pyotp"} <= imported


@pytest.mark.parametrize("package", LEFT_OUT)
def test_the_import_leaves_out_what_no_request_needs(imported, package):
    assert package not in imported
