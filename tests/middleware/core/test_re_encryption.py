"""Other seals around the same secrets, in every place where an account has a sealed value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import pytest

from wsgi_mfa.core.account import EnrollmentCode
from wsgi_mfa.core.commands import ReEncrypt
from wsgi_mfa.core.re_encryption import sealed_values, with_sealed


def sealed_fields(value, path=""):
    """Every field called ``sealed_...`` anywhere in a value, so that one that is added later is found too."""
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from sealed_fields(item, f"{path}[{number}]")
    elif is_dataclass(value):
        for field in fields(value):
            item = getattr(value, field.name)
            if field.name.startswith("sealed_"):
                yield f"{path}.{field.name}", item
            else:
                yield from sealed_fields(item, f"{path}.{field.name}")


@pytest.fixture
def full(home):
    """An account with every kind of sealed value."""
    home.browser().recover(home.recovery_code())  # a recovery code that nobody has acknowledged
    home.laptop.enter(home.mobile.code())
    home.laptop.begin()
    home.laptop.resync(home.mobile.code(1))
    home.account = replace(
        home.account, enrollment_code=EnrollmentCode(sealed_digest="sealed-enrollment", made_at=home.now)
    )
    return home


@pytest.mark.requirement("D29", "R42")
def test_every_sealed_value_of_an_account_is_known(full):
    found = dict(sealed_fields(full.account))
    assert set(found) == {
        ".authenticator.sealed_key",
        ".recovery_code.sealed_digest",
        ".recovery_code.sealed_copy",
        ".pending[0].sealed_key",
        ".enrollment_code.sealed_digest",
        ".first_code.sealed_code",
    }
    assert sorted(sealed_values(full.account)) == sorted(found.values())


@pytest.mark.requirement("D29")
def test_each_is_replaced_and_nothing_else(full):
    anew = with_sealed(full.account, lambda sealed: f"anew-{sealed}")
    assert dict(sealed_fields(anew)) == {
        place: f"anew-{sealed}" for place, sealed in sealed_fields(full.account)
    }
    assert with_sealed(anew, lambda sealed: sealed.removeprefix("anew-")) == full.account


def test_an_account_without_secrets_has_no_sealed_values(world):
    assert sealed_values(world.account) == ()
    assert with_sealed(world.account, lambda sealed: "never") == world.account


@pytest.mark.requirement("D29", "R48")
def test_sealing_anew_is_saved_with_its_event_and_keeps_sessions_open(full):
    before, kinds = full.account, full.kinds()
    sealed = {old: f"k2.{old}" for old in sealed_values(before)}
    full.submit(lambda account: ReEncrypt(sealed=sealed, key_id="k2", source="console"))
    assert set(sealed_values(full.account)) == set(sealed.values())
    assert full.account.sessions == before.sessions
    assert full.account.generation == before.generation
    assert full.kinds() == [*kinds, "key.rotated"]
    assert full.events[-1].details == (("key_id", "k2"),)


@pytest.mark.requirement("D29")
def test_a_value_that_was_sealed_meanwhile_is_left_alone(full):
    before = full.account
    assert full.submit(lambda account: ReEncrypt(sealed={"gone": "k2.gone"}, key_id="k2")).account is None
    assert full.account == before
