"""Judges what is done to an account by the support desk in a browser (R44, R46, R47)."""

from __future__ import annotations

from collections.abc import Collection

from mfa_simulator.invariants.call import SESSION_COOKIE, JudgedCall, Save, id_in
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from wsgi_mfa.accounts import Method

DESK = "/mfa/support"
NOT_OF_OTHERS = "support.limit_reached"  # it is about the agent's own account


class SupportDeskJudge:
    """Knows who is an agent; what the command does, which sends no request, is for the operating system to judge."""

    def __init__(self, ledger: Ledger, *, agents: Collection[str]) -> None:
        self._ledger = ledger
        self._agents = frozenset(agents)

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge one save that a request has brought."""
        if call.request is None:
            return
        done = {
            event.kind
            for event in save.events
            if event.kind.startswith("support.") or dict(event.details).get("cause") == "support"
        }
        done.discard(NOT_OF_OTHERS)
        wrong = self._wrong(call, save) if done else None
        if wrong is not None:
            self._ledger.report(invariant_names.DESK, f"{', '.join(sorted(done))} {wrong}", call, save)

    def _wrong(self, call: JudgedCall, save: Save) -> str | None:
        """What is wrong with a change of this account by this request; None when nothing is."""
        agent, target = call.user or "", save.after.user
        if call.request is None or (call.request.method, call.path) != ("POST", DESK):
            return "by another page than the desk's"
        if agent not in self._agents:
            return f"by {agent or 'nobody'}, who is no agent"
        if target == agent:
            return "to the agent's own account"
        if target in self._agents:
            return "to the account of another agent"
        # That a browser is known or remembered no longer is a consequence, and names no agent.
        done = (event for event in save.events if not event.kind.endswith("_browser.ended"))
        if any(dict(event.details).get("agent") != agent for event in done):
            return "and another agent is on record"
        return self._wrong_factor(call, agent)

    def _wrong_factor(self, call: JudgedCall, agent: str) -> str | None:
        account = self._ledger.accounts.get(agent)
        session_id = id_in(call.cookies.get(SESSION_COOKIE))
        session = account.session(session_id) if account is not None else None
        if session is None or session.method is Method.REMEMBERED_BROWSER:
            return f"without a second factor of {agent}"
        age = call.now - session.verified_at
        return (
            None
            if age < call.policy.step_up_seconds * SECOND
            else f"{age // SECOND} s after the second factor"
        )
