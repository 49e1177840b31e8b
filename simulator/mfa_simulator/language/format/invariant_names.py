"""The names of the invariants, as `always` in a scenario file and messages have them."""

from __future__ import annotations

CODE_ONCE = "code_once"
STEP_FORWARD = "step_forward"
RECOVERY_ONCE = "recovery_once"
BOTH_FACTORS = "both_factors"
RESET_FINAL = "reset_final"
UNCONFIRMED_KEY = "unconfirmed_key"
WINDOW = "window"
LOCK = "lock"
BUDGET = "budget"
SECRETS = "secrets"
EVENTS = "events"
DESK = "desk"
ANSWER = "answer"
REPLIES = "replies"
SEEN = "seen"
RENEWAL = "renewal"
LIVENESS = "liveness"

# Each with the sentence that it stands for.
INVARIANTS = {
    CODE_ONCE: "a code is accepted once",
    STEP_FORWARD: "the last accepted step never goes back",
    RECOVERY_ONCE: "a recovery code works once, and only the current one",
    BOTH_FACTORS: "the portal is not called for a user without both factors",
    RESET_FINAL: "nothing of before is usable after a reset or a new phone",
    UNCONFIRMED_KEY: "a key opens nothing before a code of it was confirmed where it was shown",
    WINDOW: "the window of accepted codes and the learned drift stay bounded",
    LOCK: "a lock holds for right and wrong codes alike, and tells nothing",
    BUDGET: "every wrong code that is judged is charged, and no budget is exceeded",
    SECRETS: "no key, code or cookie stands in a reply, log line or event, but on the page that shows it",
    EVENTS: "each change of an account is saved with its event",
    DESK: "only an agent of the desk, soon after a second factor, changes the account of another user",
    ANSWER: "a code is answered for what it is, and an open session is let through",
    REPLIES: "cookies have their attributes, replies their security headers, and none leads away from the site",
    SEEN: "a form changes the key or the recovery code that its page showed, and no other one",
    RENEWAL: "each accepted second factor gives the browser a new id",
    LIVENESS: "in the end a good phone, the current recovery code, and a reset let their user in",
}
