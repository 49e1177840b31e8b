"""The middleware as a filter in an ini file, built by PasteDeploy itself."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from werkzeug.test import Client

from wsgi_mfa import ConfigurationError, KeyRing, SqliteStore
from wsgi_mfa.configuration.build import new_identity
from wsgi_mfa.entropy import SystemEntropy

SETTINGS = """
issuer = "Client Portal"
store = "sqlite:///{folder}/mfa.db"

[identity]
kind = "remote-user"
"""

PORTAL = """
[app:portal]
paste.app_factory = portal_of_an_ini_file:portal_factory
"""
PORTAL_MODULE = """
def portal_factory(global_conf, **local_conf):
    def portal(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ.get("REMOTE_USER", "nobody").encode()]
    return portal
"""

#: How ini files put a filter around an application, with %s for what makes the filter.
INI_FILES = {
    "a pipeline": "[pipeline:main]\npipeline = mfa portal\n[filter:mfa]\n%s\nconfig = %%(here)s/mfa.toml\n",
    "filter-with": "[app:main]\nuse = portal\nfilter-with = mfa\n[filter:mfa]\n%s\nconfig = mfa.toml\n",
    "filter-app": "[filter-app:main]\n%s\nnext = portal\nconfig = mfa.toml\n",
}
MAKERS = (
    "paste.filter_factory = wsgi_mfa.configuration.paste:filter_factory",
    "paste.filter_app_factory = wsgi_mfa.configuration.paste:filter_app_factory",
    "use = egg:wsgi-mfa",
)
INSTALLED = bool(
    entry_points(group="paste.filter_factory").select(value="wsgi_mfa.configuration.paste:filter_factory")
)


@pytest.fixture
def loadapp(missing):
    try:
        from paste.deploy import loadapp
    except ImportError:
        missing("the package PasteDeploy")
    return loadapp


@pytest.fixture
def load(tmp_path, monkeypatch, loadapp):
    """``load(ini)``: the application of an ini file beside which an ``mfa.toml`` and its store lie."""
    (tmp_path / "mfa.toml").write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "portal_of_an_ini_file.py").write_text(PORTAL_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("WSGI_MFA_KEYS", KeyRing.generate_text(SystemEntropy(), "k1"))
    SqliteStore(tmp_path / "mfa.db", create=True, new_identity=new_identity()).close()
    ini = tmp_path / "portal.ini"

    def call(text):
        ini.write_text(text + PORTAL)
        return loadapp(f"config:{ini}")

    return call


@pytest.mark.parametrize("way", INI_FILES)
@pytest.mark.parametrize("maker", MAKERS)
def test_an_ini_file_puts_the_middleware_around_its_application(load, missing, maker, way):
    if maker.startswith("use") and not INSTALLED:
        missing("the installed package's entry point")
    browser = Client(load(INI_FILES[way] % maker))
    assert browser.get("/", base_url="https://portal.example").text == "nobody"
    challenged = browser.get(
        "/", base_url="https://portal.example", environ_base={"REMOTE_USER": "alice@example.com"},
        headers={"Accept": "text/html"},
    )  # fmt: skip
    assert challenged.status_code == 303
    assert challenged.location.startswith("/mfa/enroll?")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "config is missing: the path of the file mfa.toml is needed"),
        ("confg = mfa.toml", 'confg is no setting: legal are config; did you mean "config"?'),
        ("config = other.toml", "other.toml: cannot be read"),
    ],
)
def test_a_wrong_section_is_told_by_the_name_of_its_setting(load, line, message):
    with pytest.raises(ConfigurationError) as rejected:
        load(f"[pipeline:main]\npipeline = mfa portal\n[filter:mfa]\n{MAKERS[0]}\n{line}\n")
    assert message in str(rejected.value)


def test_a_store_that_is_not_there_stops_the_portal_at_its_start(load, tmp_path):
    (tmp_path / "mfa.db").unlink()
    with pytest.raises(ConfigurationError, match="store"):
        load(INI_FILES["a pipeline"] % MAKERS[0])
