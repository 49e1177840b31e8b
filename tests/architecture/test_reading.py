"""The checks of this folder see through the ways in which Python spells an import."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.any_python


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "import time as clock\nclock.time()",
        "from time import time\ntime()",
        "from time import time as now\nread = now",
        "def late():\n    import time\n    return time.time()",
    ],
)
def test_a_reached_name_is_found_under_any_alias(read_source, text):
    module = read_source(text, name="wsgi_mfa.core.example")
    assert "time.time" in {name for name, _line in module.reached}


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("import wsgi_mfa.keys.ring", ("wsgi_mfa.keys.ring", None)),
        ("from wsgi_mfa import keys", ("wsgi_mfa", "keys")),
        ("from .. import keys", ("wsgi_mfa", "keys")),
        ("from ..keys.ring import KeyRing", ("wsgi_mfa.keys.ring", "KeyRing")),
        ("from . import account", ("wsgi_mfa.core", "account")),
        ("if TYPE_CHECKING:\n    from wsgi_mfa.keys.ring import KeyRing", ("wsgi_mfa.keys.ring", "KeyRing")),
    ],
)
def test_an_import_is_found_however_it_is_spelt(read_source, text, imported):
    module = read_source(text, name="wsgi_mfa.core.example")
    assert [(used.module, used.name) for used in module.imports] == [imported]
