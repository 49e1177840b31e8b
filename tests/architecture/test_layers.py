"""Each module imports only from layers below its own; the picture is in docs/architecture."""

from __future__ import annotations

import pytest

import wsgi_mfa

pytestmark = pytest.mark.any_python

#: From the bottom up. Parts that share a layer do not import each other.
LAYERS = (
    {"core"},
    {"errors"},
    {"clock", "directory", "entropy", "log_once"},
    {"gateway", "identity", "keys", "metrics", "stores"},
    {"audit", "heartbeat", "notifications"},
    {"transactions"},
    {"service"},
    {"operations", "support"},
    {"web"},
    {"configuration"},
    {"cli"},
)
#: Modules that callers import stand above all layers, and no module of the package imports them.
OUTSIDE = {"", "__main__", "accounts", "adapters", "rules"}
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}

#: What rules must not reach: a rule does no I/O, reads no clock and draws no randomness.
IMPURE = {
    *(
        "asyncio",
        "http",
        "multiprocessing",
        "socket",
        "ssl",
        "subprocess",
        "threading",
        "urllib.request",
        "wsgiref",
    ),
    *("io", "logging", "os", "pathlib", "shutil", "signal", "sqlite3", "sys", "tempfile"),
    *("random", "secrets", "time", "uuid"),
}


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_part_of_the_middleware_has_a_layer(modules):
    parts = {part_of(module.name) for module in modules if module.package == "wsgi_mfa"}
    assert parts - OUTSIDE <= set(HEIGHT), "put it into LAYERS, and into the picture in docs/architecture"


def test_a_module_imports_only_from_layers_below_its_own(modules):
    wrong = []
    for module in modules:
        part = part_of(module.name)
        if module.package != "wsgi_mfa" or part in OUTSIDE:
            continue
        for used in module.imports:
            if used.module.partition(".")[0] != "wsgi_mfa":
                continue
            # "from wsgi_mfa import keys" reaches the part keys, or else the package's own front door.
            target = part_of(used.module) or (used.name if used.name in HEIGHT else "")
            below = target == part or HEIGHT.get(target, len(LAYERS)) < HEIGHT[part]
            if not below and not (target == "" and part == "cli"):
                wrong.append(f"{module.path}:{used.line}: {part} imports {target or 'the package itself'}")
    assert wrong == []


def test_rules_reach_nothing_but_values(modules):
    wrong = [
        f"{module.path}:{used.line}: {used.module}"
        for module in modules
        if part_of(module.name) == "core"
        for used in module.imports
        if any(f"{used.module}.{used.name}.".startswith(f"{impure}.") for impure in IMPURE)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("wsgi_mfa", {"mfa_simulator"}),
        ("legacy_portals", {"wsgi_mfa", "mfa_simulator"}),
    ],
)
def test_a_package_does_not_know_who_uses_it(modules, package, strangers):
    wrong = [
        f"{module.path}:{used.line}: {used.module}"
        for module in modules
        if module.package == package
        for used in module.imports
        if used.module.partition(".")[0] in strangers
    ]
    assert wrong == []


#: The emulated people and what they hold: they know what a page, a phone or a caller tells them, and nothing else.
PEOPLE = {
    f"mfa_simulator.world.{name}"
    for name in (
        *("browser", "cookie_jar", "json_client", "page", "phone", "qr_reader", "reply_reader"),
        *("support_agent", "user_actor", "user_state"),
    )
}


def test_emulated_people_read_no_policy_store_or_server_clock(modules):
    people = [module for module in modules if module.name in PEOPLE]
    assert {module.name for module in people} == PEOPLE
    imported = [
        f"{module.path}:{used.line}: {used.module}"
        for module in people
        for used in module.imports
        if used.module.partition(".")[0] == "wsgi_mfa"
        or used.module in ("mfa_simulator.world.store", "mfa_simulator.world.worker")
        or (used.module == "mfa_simulator.world.clocks" and used.name not in ("DeviceClock", "TrueTime"))
    ]
    assert imported == []
    reached = [
        f"{module.path}:{line}: {name}"
        for module in people
        for name, line in module.reached
        if {"policy", "store", "server_clock", "service"} & set(name.split("."))
    ]
    assert reached == []


def test_every_exported_name_exists():
    assert [name for name in wsgi_mfa.__all__ if not hasattr(wsgi_mfa, name)] == []
