"""Many browsers, or one many times, send at once what may open one session; guessers send what may open none."""

from __future__ import annotations

from collections import Counter

import pytest

RIVALS = 64
GUESSES = 200


def who_gets_in(browsers):
    return [browser for browser in browsers if browser.get("/").outcome == "welcome"]


@pytest.mark.requirement("R6", "D10", "D38")
def test_one_code_of_many_browsers_opens_one_session(place):
    browsers = place.browsers(RIVALS)
    answers = place.post_at_once([(browser, "/mfa/verify", {"code": place.code}) for browser in browsers])
    assert Counter(answer.outcome for answer in answers) == {"signed_in": 1, "used_code": RIVALS - 1}
    assert [answer.session is not None for answer in answers].count(True) == 1
    assert len(who_gets_in(browsers)) == 1
    assert place.happened() == {"sign_in.accepted": 1, "known_browser.added": 1}


@pytest.mark.requirement("R28", "R30", "D10", "D38")
def test_one_recovery_code_of_many_browsers_opens_one_session(place):
    browsers = place.browsers(RIVALS)
    typed = {"recovery_code": place.recovery_code}
    answers = place.post_at_once([(browser, "/mfa/recover", typed) for browser in browsers])
    (won,) = [number for number, answer in enumerate(answers) if answer.status == 200]
    shown = browsers[won].get("/mfa/recovery-code").members["recovery_code"]
    assert shown != place.recovery_code
    assert {answer.outcome for number, answer in enumerate(answers) if number != won} == {"wrong_code"}
    assert place.happened()["recovery_code.used"] == 1
    # Wrong recovery codes are counted, and close nothing (D46).
    assert place.account.recovery_failures.consecutive_count == RIVALS - 1
    assert place.account.recovery_failures.locked_since is None
    assert browsers[won].post("/mfa/recovery-code", {"saved": True}).outcome == "signed_in"
    assert who_gets_in(browsers) == [browsers[won]]


@pytest.mark.requirement("R6", "R28", "D10", "D11")
@pytest.mark.parametrize("way", ["verify", "recover"])
def test_one_browser_that_asks_many_times_at_once_gets_one_session(place, gate, way):
    (browser,) = place.browsers(1)
    copies = [gate.Browser(place.middleware, browser.address, dict(browser.cookies)) for _ in range(RIVALS)]
    typed = {"code": place.code} if way == "verify" else {"recovery_code": place.recovery_code}
    sessions_before = len(place.account.sessions)
    answers = place.post_at_once([(copy, f"/mfa/{way}", typed) for copy in copies])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.session for answer in answers}) == 1
    assert len(place.account.sessions) == sessions_before + 1
    happened = place.happened()
    assert happened["sign_in.accepted" if way == "verify" else "recovery_code.used"] == 1
    assert place.account.code_failures.consecutive_count == 0
    assert place.account.recovery_failures.consecutive_count == 0


@pytest.mark.requirement("R16", "R17", "R20", "D38")
def test_no_more_guesses_at_once_are_evaluated_than_are_free(place, gate):
    codes = gate.wrong_codes(place.key, place.clock.instant, GUESSES)
    answers = place.post_at_once(
        [
            (browser, "/mfa/verify", {"code": code})
            for browser, code in zip(place.browsers(GUESSES), codes, strict=True)
        ]
    )
    free_tries = place.middleware.service.policy.free_tries
    assert Counter(answer.outcome for answer in answers) == {
        "wrong_code": free_tries,
        "locked": GUESSES - free_tries,
    }
    assert place.happened() == {"code.wrong": free_tries, "lock.started": 1}


@pytest.mark.requirement("R16", "R17", "R19", "R20", "D38")
@pytest.mark.parametrize("right_at", [0, 3, 100, GUESSES - 1])
def test_a_right_code_among_many_guesses_gives_no_guess_more_than_are_free(place, gate, right_at):
    codes = gate.wrong_codes(place.key, place.clock.instant, GUESSES - 1)
    codes.insert(right_at, place.code)
    browsers = place.browsers(GUESSES)
    answers = place.post_at_once(
        [(browser, "/mfa/verify", {"code": code}) for browser, code in zip(browsers, codes, strict=True)]
    )
    free_tries = place.middleware.service.policy.free_tries
    kinds = [event.kind for event in place.store.events(limit=1000)[place.events_before :]]
    judged = [kind for kind in kinds if kind in ("code.wrong", "sign_in.accepted")]
    got_in = "sign_in.accepted" in judged
    # Every evaluated answer is on record, and of the wrong ones, before a success and after it, no more than are free.
    statuses = Counter(answer.status for answer in answers)
    assert (statuses[200], statuses[422]) == (got_in, judged.count("code.wrong"))
    assert statuses[429] == GUESSES - len(judged)
    assert judged.count("code.wrong") == free_tries
    assert kinds.count("lock.started") == 1
    assert answers[right_at].outcome == ("signed_in" if got_in else "locked")
    assert who_gets_in(browsers) == ([browsers[right_at]] if got_in else [])
