"""A worker whose keys change under it: browsers, pages and accounts go on (D29)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wsgi_mfa.core.re_encryption import sealed_values
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing, sealing_id
from wsgi_mfa.operations.key_rotation import re_encrypt_all, with_new_key, with_promoted, without_retired

USER = "alice"


@dataclass
class Rotation:
    """The operator at a key file."""

    path: object
    entropy: object

    def source(self):
        return KeyFile(self.path)

    def add(self):
        self.source().replace(with_new_key(self.source().ring, self.entropy))

    def promote(self):
        ring = self.source().ring
        self.source().replace(with_promoted(ring, (ring.ids[0],)))

    def retire(self):
        ring = self.source().ring
        self.source().replace(without_retired(ring, ring.ids[:-1]))


@pytest.fixture
def rotation(tmp_path, keys, entropy):
    path = tmp_path / "mfa.keys"
    path.write_text(keys.text_of("k1"), encoding="ascii")
    return Rotation(path, entropy)


@pytest.fixture
def worker(wrapped, portal, rotation):
    """``worker()``: one more middleware at the same store and the same key file."""
    return lambda: wrapped(portal, keys=rotation.source())


@pytest.fixture
def laptop(worker, new_browser):
    return new_browser(worker(), environ={"REMOTE_USER": USER})


@pytest.mark.requirement("D29")
def test_a_session_outlives_a_rotation_until_its_key_is_retired(
    laptop, rotation, phone_of, memory_store, clock
):
    laptop.enroll("/", phone_of)
    for step, known in (("add", ("k2", "k1")), ("promote", ("k1", "k2"))):
        getattr(rotation, step)()
        clock.wait(1)
        assert laptop.navigate("/").text == "welcome to /"
        assert [report.key_ids for report in memory_store.workers()] == [known]
    rotation.retire()
    clock.wait(1)
    assert laptop.navigate("/").status == 303


@pytest.mark.requirement("D29")
def test_after_the_promotion_accounts_are_sealed_by_the_new_key(
    laptop, worker, rotation, phone_of, clock, memory_store, new_browser
):
    phone = laptop.enroll("/", phone_of)
    rotation.add()
    rotation.promote()
    clock.wait_for_step()
    laptop.navigate("/")
    assert re_encrypt_all(laptop.application.service)[0] == 1
    rotation.retire()
    clock.wait_for_step()
    tablet = new_browser(worker(), environ={"REMOTE_USER": USER})
    assert tablet.enter_code("/", phone).page.outcome == "signed_in"
    sealed = sealed_values(memory_store.load(USER))
    assert {sealing_id(value) for value in sealed} == {"k2"}


@pytest.mark.requirement("D29")
def test_a_worker_that_has_not_read_the_new_key_yet_reads_it_when_it_meets_it(
    laptop, worker, rotation, phone_of, clock, new_browser
):
    phone = laptop.enroll("/", phone_of)
    clock.wait_for_step()
    late = new_browser(worker(), environ={"REMOTE_USER": USER})
    page = late.open("/")
    rotation.add()
    rotation.promote()
    other = worker()
    re_encrypt_all(other.service)
    assert late.submit(page, "/verify", code=phone.code()).page.outcome == "signed_in"


@pytest.mark.requirement("D29", "R80")
def test_an_account_that_no_known_key_opens_is_503_and_never_a_wrong_code_or_a_new_user(
    laptop, wrapped, portal, new_browser, phone_of, clock, memory_store
):
    laptop.enroll("/", phone_of)
    clock.wait_for_step()
    before = memory_store.load(USER)
    stranger = new_browser(
        wrapped(portal, keys=KeyRing([("k9", bytes(range(1, 33)))])), environ={"REMOTE_USER": USER}
    )
    assert stranger.open("/").status == 503
    assert stranger.get_json("/mfa/enroll").problem == "unavailable"
    assert memory_store.load(USER) == before


@pytest.mark.requirement("D29")
def test_an_unknown_key_in_a_cookie_makes_nobody_read_the_keys(wrapped, portal, new_browser, keys):
    class Counting:
        ring, reads = keys, 0

        def reread(self):
            self.reads += 1
            return False

    source = Counting()
    browser = new_browser(wrapped(portal, keys=source), environ={"REMOTE_USER": USER})
    browser.navigate("/")
    for number in range(5):
        browser.cookies["__Host-wsgi_mfa_session_portal"] = f"01234567.{number:032x}.k{number}.{'a' * 43}"
        assert browser.navigate("/").status == 303
    assert source.reads == 1


@pytest.mark.requirement("D29")
def test_a_cookie_that_a_retired_key_has_signed_is_not_remembered_as_good(laptop, rotation, phone_of, clock):
    laptop.enroll("/", phone_of)
    assert laptop.navigate("/").status == 200
    other = with_promoted(KeyRing.from_text(with_new_key(rotation.source().ring, rotation.entropy)), ("k2",))
    rotation.source().replace(without_retired(KeyRing.from_text(other), ("k1",)))
    clock.wait(1)
    assert laptop.navigate("/").status == 303


@pytest.mark.requirement("D29", "R80")
def test_a_store_that_takes_no_report_fails_no_request(wrapped, portal, new_browser, phone_of, memory_store):
    def reject(report, *, forget_before):
        raise RuntimeError("no report today")

    memory_store.report_worker = reject
    browser = new_browser(wrapped(portal), environ={"REMOTE_USER": USER})
    browser.enroll("/", phone_of)
    assert browser.navigate("/").text == "welcome to /"


@pytest.mark.parametrize("keys", [None, "k1:x", {"ring": 1}])
def test_a_middleware_needs_a_ring_or_what_has_one(wrapped, portal, keys):
    with pytest.raises(ConfigurationError, match="keys must be a KeyRing"):
        wrapped(portal, keys=keys)
