"""The odds that a policy leaves to a password thief."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.odds import ODDS_MAX, odds_of, wrong_codes_a_year, yearly_odds
from wsgi_mfa.core.policy import Policy

pytestmark = pytest.mark.requirement("D47")


def test_the_default_policy_leaves_less_than_half_a_percent_a_year():
    assert wrong_codes_a_year(Policy()) == 1560
    assert round(yearly_odds(Policy()), 4) == 0.0047


@pytest.mark.parametrize(
    ("settings", "is_legal"),
    [
        ({"failures_rolling_max": 1000}, False),
        ({"failures_rolling_days": 1}, False),
        ({"failures_rolling_days": 14, "failures_rolling_max": 40, "known_failures_rolling_max": 40}, True),
        ({"failures_rolling_max": 1000, "known_failures_rolling_max": 1000, "digits": 8}, True),
        ({"steps_back": 2, "steps_ahead": 2, "known_failures_rolling_max": 200}, False),
    ],
)
def test_a_policy_with_larger_budgets_or_windows_is_above_the_limit(settings, is_legal):
    assert (yearly_odds(Policy(**settings)) <= ODDS_MAX) is is_legal


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_more_guesses_never_lower_the_odds(one, other):
    few, many = sorted((one, other))
    assert 0 <= odds_of(few, Policy()) <= odds_of(many, Policy()) < 1


@pytest.mark.requirement("D47")
def test_every_row_of_the_table_for_users_keeps_the_target() -> None:
    text = (Path(__file__).parents[3] / "SECURITY.md").read_text(encoding="utf-8")
    rows = [
        line.strip("| ").split(" | ") for line in text.splitlines() if line.count("|") == 6 and "%" in line
    ]
    assert len(rows) > 25
    for thief, user, _, odds, mornings in rows:
        assert float(odds.rstrip("%")) <= 0.47, (thief, user)
        # Malware keeps the mornings, and a user who gives up after a theft has chosen to (D47).
        if not thief.startswith(("each new", "all cookies")) and user != "gives up":
            assert float(mornings.rstrip("%")) >= 95, (thief, user)
