"""Many browsers at once, in threads, on one SQLite file: each secret opens one of them, and limits hold."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

BROWSERS = 30


@pytest.fixture
def place(place_of):
    return place_of("in process")


@pytest.fixture
def enrolled(place, phone_of):
    """``user, password, phone, recovery code``, signed in nowhere but in the browser that set it up."""
    user, password = place.accounts[0]
    person = place.person()
    person.sign_in(user, password)
    person.press("Trouble scanning?")
    phone = phone_of(person.page.by_id["key"])
    person.enter_code(phone.code())
    return user, password, phone, person.store_recovery_code()


@pytest.fixture
def crowd(place, enrolled):
    """That many browsers of the user, each at the page that asks for the code."""
    people = [place.person() for _ in range(BROWSERS)]
    for person in people:
        person.sign_in(*enrolled[:2])
    return people


def at_once(deed, people):
    """What ``deed`` gives for each of them, all at the same time."""
    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(deed, people))


@pytest.mark.requirement("R28", "D10")
def test_one_recovery_code_sent_by_thirty_browsers_at_once_opens_one(crowd, enrolled, place):
    def recover(person):
        person.press("Continue")
        return person.page.by_id.get("recovery-code")

    for person in crowd:
        person.press("Try another method")
        person.press("Recovery code")
        person.type("Recovery code", enrolled[3])
    shown = [code for code in at_once(recover, crowd) if code is not None]
    assert len(shown) == 1
    assert shown[0] != enrolled[3]
    events = Counter(event.kind for event in place.application.service.store.events(enrolled[0], limit=1000))
    assert events["recovery_code.used"] == 1


@pytest.mark.requirement("R6", "D10")
def test_one_code_sent_by_thirty_browsers_at_once_opens_one(crowd, enrolled, seconds_in_hand):
    seconds_in_hand(10)
    code = enrolled[2].code(1)  # a step that nothing has used up
    for person in crowd:
        person.type("Code from the app", code)
    at_once(lambda person: person.press("Continue"), crowd)
    opened = [person for person in crowd if f"Welcome, {enrolled[0]}" in person.page.words]
    assert len(opened) == 1
    assert all(person.status in (422, 429) for person in crowd if person is not opened[0])


@pytest.mark.requirement("R16", "R17", "R20", "D38")
def test_of_thirty_guesses_at_once_no_more_are_evaluated_than_are_free(crowd, enrolled, place):
    near = {enrolled[2].code(steps) for steps in range(-25, 25)}
    wrong = [text for text in (f"{number:06d}" for number in range(200)) if text not in near]
    for person, code in zip(crowd, wrong, strict=False):
        person.type("Code from the app", code)
    at_once(lambda person: person.press("Continue"), crowd)
    free_tries = place.application.service.policy.free_tries
    assert Counter(person.status for person in crowd) == {422: free_tries, 429: BROWSERS - free_tries}
    failures = place.application.service.store.load(enrolled[0]).code_failures
    assert failures.consecutive_count == free_tries
    late = crowd[0]
    late.open("/")
    late.enter_code(enrolled[2].code())
    assert late.status == 429
