"""The odds that a password thief guesses a code within a year, as far as the policy bounds them.

Every wrong code counts against one of three budgets, and nothing clears them. So many windows of
``failures_rolling_days`` cover a year, and in each of them at most the three budgets are judged.
"""

from __future__ import annotations

from wsgi_mfa.core.known_browsers import GRANTED_TRIES_MAX
from wsgi_mfa.core.policy import Policy

YEAR_DAYS = 365
ODDS_MAX = 0.01  # what `wsgi-mfa check` accepts


def wrong_codes_a_year(policy: Policy) -> int:
    """Return the largest number of wrong codes that are judged within a year."""
    windows = -(-YEAR_DAYS // policy.failures_rolling_days)
    budgets = policy.failures_rolling_max + policy.known_failures_rolling_max + GRANTED_TRIES_MAX
    return windows * budgets


def odds_of(wrong_codes: int, policy: Policy) -> float:
    """Return the odds that one of so many guesses is right; a code is one of those of the whole window."""
    steps = policy.steps_back + policy.steps_ahead + 1
    miss = 1 - steps / float(10**policy.digits)
    return float(1 - miss**wrong_codes)


def yearly_odds(policy: Policy) -> float:
    """Return the odds within a year that the policy allows at most."""
    return odds_of(wrong_codes_a_year(policy), policy)
