"""The settings: their defaults, and that no deployment can leave the limits."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from wsgi_mfa.core.errors import InvalidPolicyError, MfaError
from wsgi_mfa.core.policy import LIMITS, WORDS, Policy

#: The table of the requirements: setting -> (default, the values that are still legal at both ends).
TABLE = {
    "digits": (6, 6, 8),
    "period_seconds": (30, 30, 60),
    "key_bytes": (20, 16, 64),
    "steps_back": (1, 0, 2),
    "steps_ahead": (1, 0, 2),
    "drift_steps_max": (1, 0, 2),
    "resync_steps_max": (10, 0, 20),
    "hint_steps_max": (20, 0, 40),
    "free_tries": (5, 1, 10),
    "backoff_seconds_min": (30, 1, 3600),
    "backoff_seconds_max": (3600, 30, 86400),
    "failures_max": (100, 1, 100),
    "failures_rolling_max": (60, 1, 1000),
    "known_failures_rolling_max": (50, 1, 1000),
    "known_browser_failures_max": (20, 1, 1000),
    "failures_rolling_days": (30, 1, 366),
    "enrollment_seconds_max": (600, 30, 600),
    "session_idle_seconds": (3600, 60, 30 * 86400),
    "session_seconds_max": (86400, 60, 90 * 86400),
    "reset_agents": (1, 1, 2),
    "agent_lookups_max": (120, 1, 10_000),
    "agent_changes_max": (30, 1, 1000),
    "sessions_max": (20, 1, 100),
    "retry_seconds": (60, 0, 120),
    "recovery_code_symbols": (24, 24, 64),
    "step_up_seconds": (300, 30, 3600),
    "reminder_seconds": (86400, 0, 30 * 86400),
    "form_bytes_max": (8192, 256, 65536),
    "clock_skew_seconds_max": (300, 0, 600),
    "remembered_browser_days": (0, 0, 30),
    "revocation_delay_seconds": (0, 0, 0),
}
REST = {
    "algorithm": "SHA1",
    "enrollment": "open",
    "trusted_peers": (),
    "exempt_paths": (),
    "rules": (),
    "exempt_methods": (),
    "required_from": "always",
    "required_users": (),
    "required_groups": (),
}


def test_every_setting_is_in_one_of_the_tables():
    assert set(Policy.names()) == set(TABLE) | set(REST)
    assert set(LIMITS) == set(TABLE)


@pytest.mark.requirement(
    "R3", "R4", "R5", "R11", "R15", "R18", "R19", "R26", "R36", "R40", "R52", "R70", "D10", "D22", "D26"
)
def test_the_defaults_are_those_of_the_requirements():
    policy = Policy()
    assert {name: getattr(policy, name) for name in TABLE} == {name: row[0] for name, row in TABLE.items()}
    assert {name: getattr(policy, name) for name in REST} == REST


@pytest.mark.requirement(
    "R3", "R4", "R5", "R11", "R15", "R18", "R19", "R26", "R36", "R40", "R52", "R70", "D10", "D22", "D26"
)
@pytest.mark.parametrize("name", TABLE)
def test_the_ends_of_each_range_are_legal_and_the_next_values_are_not(name):
    _, least, most = TABLE[name]
    for value in (least, most):
        assert getattr(Policy(**{name: value}), name) == value
    for value in (LIMITS[name][0] - 1, most + 1):
        with pytest.raises(InvalidPolicyError, match=f"policy.{name} is {value}: .*legal") as caught:
            Policy(**{name: value})
        assert (caught.value.setting, caught.value.value) == (name, value)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("value", ["5", 5.0, None, True], ids=repr)
def test_a_number_is_a_whole_number(name, value):
    with pytest.raises(InvalidPolicyError, match=f"policy.{name} is"):
        Policy(**{name: value})


@pytest.mark.requirement("R3", "R41")
@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_one_of_the_legal_words(name):
    for word in WORDS[name][0]:
        assert getattr(Policy(**{name: word}), name) == word
    with pytest.raises(InvalidPolicyError, match=f"policy.{name} is 'MD5': legal is {WORDS[name][0][0]}, "):
        Policy(**{name: "MD5"})


@pytest.mark.requirement("R57", "R63")
@pytest.mark.parametrize("name", ["trusted_peers", "exempt_paths", "exempt_methods", "rules"])
def test_a_list_that_would_open_something_cannot_be_filled(name):
    with pytest.raises(InvalidPolicyError, match=f"policy.{name}"):
        Policy(**{name: ("*",)})


@pytest.mark.requirement("R18")
def test_the_longest_wait_is_not_shorter_than_the_first():
    with pytest.raises(
        InvalidPolicyError, match="backoff_seconds_min is 61: legal is at most backoff_seconds_max"
    ):
        Policy(backoff_seconds_min=61, backoff_seconds_max=60)


@pytest.mark.requirement("R5")
def test_the_strict_profile_accepts_a_code_in_its_own_step_only():
    policy = Policy.strict()
    assert (policy.steps_back, policy.steps_ahead) == (0, 0)


def test_a_policy_cannot_be_changed_after_it_was_checked():
    with pytest.raises(FrozenInstanceError):
        Policy().steps_back = 9


def test_a_bad_setting_is_an_error_of_this_package():
    assert issubclass(InvalidPolicyError, MfaError)


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(
    "settings",
    [
        {"required_from": "2027-01-15"},
        {"required_from": "2027-01-15T00:00:00"},
        {"required_from": "2027-13-15T00:00:00Z"},
        {"required_from": "tomorrow"},
        {"required_from": None},
        {"required_users": ("alice",)},
        {"required_groups": ("clerks",)},
        {"required_from": "never", "required_users": ("",)},
        {"required_from": "never", "required_users": "alice"},
        {"required_from": "never", "required_groups": (" clerks",)},
    ],
)
def test_a_roll_out_that_nobody_could_mean_is_refused_by_the_name_of_its_setting(settings):
    name = list(settings)[-1]
    with pytest.raises(InvalidPolicyError, match=f"policy.{name} is .*legal"):
        Policy(**settings)
