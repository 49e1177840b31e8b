"""Goals that lives should come to now and then; one that was never reached was not tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mfa_simulator.language.format.outcomes import ALL, EVENT_KINDS
from mfa_simulator.language.format.verbs import TOGETHER, VERBS
from mfa_simulator.play.running import PlayedStep

#: Events that no verb of the format brings about.
NO_VERB = frozenset(
    {"support.drift_forgotten", "support.invited", "support.fenced", "support.removed", "support.renamed"}
)
TOGETHER_GOALS = (f"verb {TOGETHER}", "two acted at the same time")
SITUATIONS = (
    "a reply was lost",
    "two acted at the same time",
    "the store failed",
    "a hint was given",
    "a code was typed while locked",
    "a session was open in two browsers",
)


@dataclass(kw_only=True, slots=True)
class Goals:
    """Which goals were reached, and how often."""

    counts: dict[str, int] = field(default_factory=dict)

    def note(self, moments: Sequence[PlayedStep], *, at_once: bool) -> None:
        """Note what the moments of a life came to; `at_once` says whether any of them were at the same time."""
        reached = {goal for moment in moments for goal in _reached_by(moment)}
        for goal in (*reached, *(TOGETHER_GOALS if at_once else ())):
            self.counts[goal] = self.counts.get(goal, 0) + 1

    @property
    def never(self) -> list[str]:
        """The goals that were not reached."""
        return [goal for goal in every_goal() if goal not in self.counts]

    @property
    def reached(self) -> list[str]:
        """The goals that were reached."""
        return [goal for goal in every_goal() if goal in self.counts]


def every_goal() -> list[str]:
    """Return all goals: outcomes, events of the audit record, verbs, and some situations."""
    return [
        *(f"outcome {outcome}" for outcome in ALL),
        *(f"event {kind}" for kind in EVENT_KINDS if kind not in NO_VERB),
        *(f"verb {verb.name}" for verb in VERBS),
        *SITUATIONS,
    ]


def _reached_by(moment: PlayedStep) -> Iterator[str]:
    found = moment.found
    yield f"verb {moment.step.verb}"
    if found.outcome is not None:
        yield f"outcome {found.outcome}"
    yield from (f"event {event.kind}" for event in moment.events)
    if found.hint is not None:
        yield "a hint was given"
    if any(exchange.seen is None and exchange.served is not None for exchange in moment.exchanges):
        yield "a reply was lost"
    if found.outcome == "locked" and any(exchange.about == "code" for exchange in moment.exchanges):
        yield "a code was typed while locked"
    if any("the store" in remark for remark in found.remarks):
        yield "the store failed"
    if any(len(account.sessions) > 1 for account in moment.accounts.values()):
        yield "a session was open in two browsers"
