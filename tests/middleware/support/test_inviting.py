"""The desk invites somebody who has no phone."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.service import MfaService
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.support.results import Rejected

USER = "user1@example.com"


@pytest.fixture
def service_of(troubled_store, keys, clock, entropy, notices):
    def make(**policy):
        return MfaService(
            store=troubled_store,
            keys=keys,
            policy=Policy(**policy),
            clock=clock,
            entropy=entropy,
            notify=notices.append,
        )

    return make


def invite(service, user=USER, directory=None, **fields):
    given = {"email": USER, "reason": "new here", "agent": "edith@example.com", **fields}
    return SupportDesk(service, directory=directory).invite(user, **given)


@pytest.mark.requirement("R41", "D33")
def test_an_invitation_leads_a_newcomer_to_a_phone(service_of, visit, phone_of, notices):
    service = service_of(enrollment="invited")
    answer = invite(service)
    assert answer.outcome is Outcome.MUST_ENROLL
    assert "within 10 minutes" in answer.message
    assert [notice.kind for notice in notices] == ["support.invited"]
    first = service.begin_enrollment(visit("laptop"))
    assert first.reason is Reason.ENROLLMENT_CODE_NEEDED
    assert service.present_enrollment_code(visit("laptop"), answer.enrollment_code).reason is None
    pending = service.begin_enrollment(visit("laptop")).pending
    phone = phone_of(service.vault.pending_key(USER, pending))
    done = service.confirm_enrollment(visit("laptop"), phone.code(), pending_id=pending.id)
    assert done.outcome is Outcome.SIGNED_IN


@pytest.mark.requirement("R41", "R44", "R46", "D1")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "other@example.com"}, "does not match"),
        ({"email": None}, "is needed, as the caller gave it"),
        ({"reason": ""}, "reason must be one line"),
        ({"agent": USER}, "their own account"),
        ({"user": ""}, "cannot name an account"),
        ({"directory": lambda name: None}, "the directory does not know"),
        ({"directory": lambda name: Person(name=name, email="other@example.com")}, "does not match"),
    ],
)
def test_who_may_not_be_invited_is_refused_and_nothing_is_saved(service_of, fields, said):
    service = service_of()
    answer = invite(service, **fields)
    assert isinstance(answer, Rejected)
    assert answer.outcome is Outcome.REFUSED
    assert said in answer.message
    assert service.store.users() == []


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("email", [None, "anything@example.com"])
def test_where_no_address_is_known_there_is_none_to_compare(service_of, email):
    assert invite(service_of(), user="ann", email=email).outcome is Outcome.MUST_ENROLL


@pytest.mark.requirement("R41")
def test_a_closed_enrollment_stays_closed(service_of):
    answer = invite(service_of(enrollment="closed"))
    assert (answer.outcome, answer.message) == (Outcome.REFUSED, "the policy has enrollment = closed")


def test_who_has_a_phone_is_reset_and_not_invited(service, enroll):
    enroll("laptop")
    answer = invite(service)
    assert answer.outcome is Outcome.REFUSED
    assert "reset the account instead" in answer.message
    assert service.store.load(USER).authenticator is not None


@pytest.mark.requirement("D33")
def test_a_removed_user_is_invited_like_a_new_one(service, enroll, keys):
    enroll("laptop", address=USER)
    AccountKeeper(service, agent="console:root").remove(USER)
    assert invite(service, email="wrong@example.com").outcome is Outcome.REFUSED
    assert invite(service).outcome is Outcome.MUST_ENROLL
    assert service.store.load(USER).removed_at is None
