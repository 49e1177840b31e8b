"""The verbs of faults: of the store, and of workers at its calls."""

from __future__ import annotations

from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.kinds import Key
from mfa_simulator.language.format.verb import Rule, Verb
from mfa_simulator.language.quantities import SECOND

_how_long = Rule(names=("calls", "for"))
_call = Key(
    name="call",
    kind=kinds.choice("CALL", ("load", "save")),
    default="save",
    about="at which call of the store",
)
_when = Key(
    name="when",
    kind=kinds.choice("WHEN", ("before", "after")),
    default="before",
    about="before or after the call has had its effect",
)

STORE_VERBS = (
    Verb(
        name="store_fails",
        about="The store fails, for some calls or for some time, before, after, or while it commits.",
        keys=(
            Key(name="calls", kind=kinds.whole(1), about="so many saves fail"),
            Key(name="for", kind=values.SPAN, about="every call fails for so long"),
            Key(
                name="when",
                kind=kinds.choice("WHEN", ("before", "after", "later")),
                default="before",
                about="before or after the commit; later: the commit lands by itself afterwards",
            ),
            Key(
                name="by",
                kind=values.SPAN,
                default=10 * SECOND,
                about="so long afterwards, with `when: later`",
            ),
        ),
        rules=(_how_long,),
    ),
    Verb(
        name="stale_reads",
        about="Some loads give an account as it was before its latest save, as from a replica that lags behind.",
        keys=(
            Key(name="calls", kind=kinds.whole(1), about="so many loads are stale"),
            Key(name="for", kind=values.SPAN, about="every load is stale for so long"),
        ),
        rules=(_how_long,),
    ),
    Verb(
        name="slow_store",
        about="The store takes so long for each call from now on; 0s ends it.",
        keys=(Key(name="by", kind=values.SPAN, required=True, about="how long a call takes"),),
    ),
    Verb(
        name="stall_worker",
        about="The next worker that comes to a call of the store stalls there, while others go on.",
        keys=(_call, _when, Key(name="for", kind=values.SPAN, required=True, about="for so long")),
    ),
    Verb(
        name="end_worker",
        about="The next worker that comes to a call of the store ends there without a reply, and starts again.",
        keys=(_call, _when),
    ),
)
