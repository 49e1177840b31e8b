"""The support desk, for programs of the operator; :attr:`wsgi_mfa.MfaMiddleware.support_desk` is one."""

from __future__ import annotations

from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.support.desk import Call, SupportDesk
from wsgi_mfa.support.results import Done, Rejected, SupportResult

__all__ = ["Call", "Done", "Outcome", "Reason", "Rejected", "SupportDesk", "SupportResult"]
