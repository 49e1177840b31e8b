"""What comes from outside has one home each: a package, the clock, chance, the database."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.any_python

#: Outside package -> the module or folder of each of our packages that may import it.
HOMES = {
    "wsgi_mfa": {
        "beaker": "wsgi_mfa.identity.adapters.beaker",
        "click": "wsgi_mfa.cli",
        "cryptography": "wsgi_mfa.keys.ring",
        "django": "wsgi_mfa.identity.adapters.django",
        "itsdangerous": "wsgi_mfa.identity.adapters.flask_session",
        "jinja2": "wsgi_mfa.web.render",
        "legacy_portals": "wsgi_mfa.cli",
        "prometheus_client": "wsgi_mfa.metrics",
        "pyotp": "wsgi_mfa.core",
        "qrcode": "wsgi_mfa.web",
        "rich": "wsgi_mfa.cli",
        "tomli": "wsgi_mfa.configuration.toml_file",
        "tomllib": "wsgi_mfa.configuration.toml_file",
        "waitress": "wsgi_mfa.cli",
        "werkzeug": "wsgi_mfa.web",
    },
    "mfa_simulator": {
        "click": "mfa_simulator.cli",
        "freezegun": "mfa_simulator.world.clocks",
        "jinja2": "mfa_simulator.report",
        "legacy_portals": "mfa_simulator.world",
        "pyotp": "mfa_simulator.world.phone",
        "pytest": "mfa_simulator.pytest_plugin",
        "rich": "mfa_simulator.cli",
        "wsgi_mfa": "mfa_simulator",
        "yaml": "mfa_simulator.language.document",
    },
    "legacy_portals": {
        "itsdangerous": "legacy_portals.client_portal",
        "webob": "legacy_portals.ticket_portal",
        "werkzeug": "legacy_portals",
    },
}
#: Names of the standard library with one home in each package; "" is no home at all. Where there are two, each
#: is for another thing.
SEAMS = {
    "wsgi_mfa": {
        "secrets": "wsgi_mfa.entropy",
        "os.urandom": "wsgi_mfa.entropy",
        "random": "wsgi_mfa.entropy",
        "uuid.uuid4": "wsgi_mfa.entropy",
        "time.time": "wsgi_mfa.clock",
        "time.time_ns": "wsgi_mfa.clock",
        "time.sleep": "wsgi_mfa.clock",
        "datetime.datetime.now": "wsgi_mfa.clock",
        "datetime.datetime.utcnow": "wsgi_mfa.clock",
        "datetime.datetime.today": "wsgi_mfa.clock",
        "datetime.date.today": "wsgi_mfa.clock",
        "sqlite3": ("wsgi_mfa.stores", "wsgi_mfa.identity.adapters.sql"),  # ours, and the portal's
    },
    "mfa_simulator": {
        "secrets": "",
        "os.urandom": "",
        "uuid.uuid4": "",
        "random": "mfa_simulator.world.entropy",
        "time.time": "",
        "time.time_ns": "",
        "time.sleep": "mfa_simulator.world.virtual_waits",
        "datetime.datetime.now": "",
        "datetime.datetime.utcnow": "",
        "datetime.datetime.today": "",
        "datetime.date.today": "",
    },
}


def is_at(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


@pytest.mark.parametrize("package", sorted(HOMES))
def test_each_outside_package_has_one_home(modules, package):
    homes = HOMES[package]
    wrong = []
    for module in modules:
        if module.package != package:
            continue
        for used in module.imports:
            outside = used.module.partition(".")[0]
            if outside in sys.stdlib_module_names or outside in (package, "_typeshed"):
                continue  # _typeshed exists for the type checker alone
            if outside not in homes or not is_at(module.name, homes[outside]):
                wrong.append(
                    f"{module.path}:{used.line}: {outside} belongs to {homes.get(outside, 'no module yet')}"
                )
    assert wrong == []


@pytest.mark.requirement("R10", "D21")
@pytest.mark.parametrize("package", sorted(SEAMS))
def test_time_chance_and_the_database_enter_through_one_module_each(modules, package):
    wrong = []
    for module in modules:
        if module.package != package:
            continue
        imported = [
            (f"{used.module}.{used.name}" if used.name else used.module, used.line) for used in module.imports
        ]
        for name, line in sorted({*imported, *module.reached}):
            for seam, home in SEAMS[package].items():
                homes = home if isinstance(home, tuple) else (home,)
                if is_at(name, seam) and not any(is_at(module.name, each) for each in homes):
                    wrong.append(f"{module.path}:{line}: {name} belongs to {home or 'no module'}")
    assert wrong == []


@pytest.mark.parametrize("package", sorted(HOMES))
def test_every_home_that_is_named_is_lived_in(modules, package):
    known = {module.name for module in modules}
    lived_in = {used.module.partition(".")[0] for m in modules if m.package == package for used in m.imports}
    assert set(HOMES[package].values()) <= known
    assert set(HOMES[package]) <= lived_in


#: One list of values that are looked up by name; a reader does not read it through.
LISTS = {"wsgi_mfa.core.commands"}


def test_no_module_is_too_long_to_read_at_once(modules):
    long = [each for each in modules if each.line_count > 360 and each.name not in LISTS]
    assert [f"{module.path}: {module.line_count}" for module in long] == []
