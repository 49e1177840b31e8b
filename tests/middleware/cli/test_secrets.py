"""No command prints a secret but the one whose work that is (R44, R83)."""

from __future__ import annotations

import base64
import re
from dataclasses import fields, is_dataclass

import pytest

from wsgi_mfa.core.decision import Outcome

USER = "user1@example.com"
AGENT = ("--reason", "ticket 1", "--email", USER)
#: Each command, in an order in which each has something to tell.
COMMANDS = (
    *("accounts list", f"accounts show {USER}", f"accounts sessions {USER}", "audit export", "audit verify"),
    *(
        "keys check",
        "store init",
        "store enrollment",
        "store enrollment invited",
        "store close",
        "store open",
    ),
    *(f"support unlock {USER}", "store fence", "audit prune --days 1", f"accounts revoke {USER}"),
)


def sealed_in(value):
    """Every sealed value and every whole id of a session that an account holds."""
    if isinstance(value, tuple):
        for item in value:
            yield from sealed_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            found = getattr(value, field.name)
            if isinstance(found, str) and (
                field.name.startswith("sealed") or field.name in ("browser", "fingerprint")
            ):
                yield found
            yield from sealed_in(found)


@pytest.fixture
def secrets(enrolled, service_at, visit_of):
    """What no terminal may show, of an account with a session, a recovery code and a pending reset."""
    with service_at(enrolled) as service:
        account = service.load(USER)
        code = service.vault.recovery_copy(USER, account.recovery_code)
        key = service.vault.active_key(account)
        assert service.verify_code(visit_of(service), "000000").outcome is not Outcome.SIGNED_IN
        ring = enrolled.with_name("mfa.db.keys").read_text().strip()
        spelt = (base64.b32encode(key).decode(), key.hex(), base64.b64encode(key).decode())
        return {code, code.replace("-", ""), ring.partition(":")[2], *spelt, *sealed_in(account)} - {""}


def leaks(text, secrets):
    bare = re.sub(r"\s", "", text)  # a table may break a line
    return [secret for secret in secrets if secret in text or secret in bare]


@pytest.mark.requirement("R44", "R83")
def test_no_command_prints_a_secret(run, enrolled, secrets):
    assert len(secrets) > 6
    for command in COMMANDS:
        words = command.split()
        needed = AGENT if words[0] == "support" else ()
        done = run(*words, *needed, "--database", enrolled)
        assert done.code == 0, (command, done.err)
        assert leaks(done.out + done.err, secrets) == [], command


@pytest.mark.requirement("R44", "R83")
def test_no_command_that_fails_prints_a_secret(run, enrolled, secrets, tmp_path):
    keys = enrolled.with_name("mfa.db.keys")
    good = keys.read_text()
    for ring in (
        good[:-2],
        good.replace("k1:", "k1"),
        good.strip() + "," + good,
        "k2:" + good.partition(":")[2],
    ):
        keys.write_text(ring)
        for command in (
            "accounts list",
            f"accounts show {USER}",
            "keys check",
            "audit verify",
            "store fence",
        ):
            done = run(*command.split(), "--database", enrolled)
            assert leaks(done.out + done.err, secrets) == [], (command, ring)
            assert "Traceback" not in done.err
