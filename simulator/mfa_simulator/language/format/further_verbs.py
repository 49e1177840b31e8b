"""The verbs of tabs, kept pages and cookies, of operators, and of the portal's own changes."""

from __future__ import annotations

from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.kinds import Key
from mfa_simulator.language.format.outcomes import PAGES
from mfa_simulator.language.format.verb import (
    Verb,
    agent,
    attack,
    browser,
    delay,
    email,
    reason,
    some_phone,
    some_user,
    typing,
    user,
)

#: Which cookies a thief takes, or a browser loses.
COOKIES = ("portal", "session", "known", "remembered", "all")
#: How a thief sends the portal's cookie.
BY = ("cookie", "clear", "inside", "argument", "path", "spelled", "twice", "field", "header", "basic")
#: How name and password are sent to a page that is not the sign-in page.
FORMS = ("form", "json", "multipart", "query")
RESULTS = ("reset", "unlocked", "must_enroll", "resynced", "signed_out", "refused", "unavailable", "error")
some_reason = Key(name="reason", kind=values.TEXT, default="by the operator", about="why, for the audit log")

PEOPLE_VERBS = (
    Verb(
        name="start_resync",
        about="As `resync`, but the user stops after the first code.",
        keys=(browser, some_user, some_phone, typing),
        must=("must_verify",),
        answers=PAGES,
    ),
    Verb(
        name="finish_resync",
        about="A user types the code that the phone shows now as the second one of a resync.",
        keys=(browser, some_user, some_phone, typing),
        must=("resynced",),
        answers=PAGES,
    ),
    Verb(
        name="clear_cookies",
        about="A browser forgets cookies.",
        keys=(
            browser,
            Key(
                name="which",
                kind=kinds.choice("WHICH", COOKIES),
                default="all",
                about="as with `steal_cookie`",
            ),
        ),
    ),
    Verb(
        name="keep_page",
        about="A page stays open beside what the browser does next, to be used as it is later.",
        keys=(browser, Key(name="as", kind=values.TEXT, required=True, about="the name to keep it by")),
    ),
    Verb(
        name="show_page",
        about="The browser shows a page that was kept, without asking the server.",
        keys=(
            browser,
            Key(name="page", kind=values.TEXT, required=True, about="the name that it is kept by"),
        ),
    ),
)

WAYS_AROUND = (
    attack(
        "password_elsewhere",
        "An attacker sends name and password by another request than that of the sign-in page, and opens the portal.",
        ("must_enroll", "must_verify", "sign_in_required"),
        Key(name="path", kind=values.PATH, default="/profile", about="to which page"),
        Key(name="as", kind=kinds.choice("FORM", FORMS), default="form", about="in which form"),
    ),
    attack(
        "slow_upload",
        "An attacker begins a form as a visitor, and signs in by the password before its last byte has arrived.",
        ("must_enroll", "must_verify", "sign_in_required"),
        Key(name="path", kind=values.PATH, default="/profile", about="to which page the form is sent"),
    ),
    Verb(
        name="keep_cookies",
        about="A browser's cookies are noted down.",
        keys=(browser, Key(name="as", kind=values.TEXT, required=True, about="the name to keep them by")),
    ),
    Verb(
        name="restore_cookies",
        about="A browser has again the cookies that were noted down, in the place of its own.",
        keys=(
            browser,
            Key(name="cookies", kind=values.TEXT, required=True, about="the name that they are kept by"),
        ),
    ),
)

OPERATOR_VERBS = (
    Verb(
        name="support_forget_drift",
        about="The support desk has what was learned of a phone's clock forgotten.",
        keys=(user, email, reason, agent, delay),
        must=("resynced",),
        answers=RESULTS,
    ),
    Verb(
        name="support_invite",
        about="The support desk gives a user without a phone a code for the next enrollment.",
        keys=(user, email, reason, agent, delay),
        must=("must_enroll",),
        answers=RESULTS,
    ),
    Verb(
        name="revoke_sessions",
        about="The operator ends all sessions of a user.",
        keys=(user, agent),
        must=("signed_out",),
        answers=RESULTS,
    ),
    Verb(
        name="remove_account",
        about="The operator removes what is known of a user, who needs an invitation from then on.",
        keys=(user, some_reason, agent),
        must=("reset",),
        answers=RESULTS,
    ),
    Verb(
        name="reset_all",
        about="The operator resets every account, and from then on an enrollment needs an invitation.",
        keys=(some_reason, agent),
        must=("reset",),
        answers=RESULTS,
    ),
)

STORE_KEEPING_VERBS = (
    Verb(
        name="rename_account",
        about="The operator moves an account to another name, after the portal has renamed its user.",
        keys=(
            user,
            Key(name="from", kind=values.TEXT, required=True, about="the name that the account has"),
            some_reason,
            agent,
        ),
        must=("renamed",),
        answers=("renamed", "refused", "unavailable", "error"),
    ),
    Verb(
        name="settle_spelling",
        about="The operator says whether the spelling that the portal has of a user's name is the same user's.",
        keys=(
            user,
            Key(name="apart", kind=values.TICK, default=False, about="it is another user's"),
            some_reason,
            agent,
        ),
        must=("settled",),
        answers=("settled", "refused", "unavailable", "error"),
    ),
    Verb(
        name="backup_store",
        about="The operator copies the store as it is at this moment.",
        keys=(Key(name="as", kind=values.TEXT, required=True, about="the name of the copy"),),
    ),
    Verb(
        name="restore_store",
        about="The operator puts a copy in the place of the store, while the workers go on.",
        keys=(Key(name="backup", kind=values.TEXT, required=True, about="the name of the copy"),),
    ),
    Verb(
        name="close_store",
        about="The operator closes the store: every worker answers 503.",
        must=("closed",),
        answers=("closed", "error"),
    ),
    Verb(
        name="open_store",
        about="The operator opens the store again, unless it has to be fenced first.",
        must=("opened",),
        answers=("opened", "refused", "error"),
    ),
    Verb(
        name="fence_store",
        about="The operator closes what a restored copy would open again.",
        must=("fenced",),
        answers=("fenced", "refused", "error"),
    ),
)

PORTAL_VERBS = (
    Verb(
        name="change_user",
        about="The portal gives a user another name, address or password, or other groups; no worker starts again.",
        keys=(
            user,
            Key(name="name", kind=values.TEXT, about="the new name, by which the user signs in"),
            Key(name="email", kind=values.TEXT, about="the new address"),
            Key(name="password", kind=values.PASSWORD, about="the new password"),
            Key(name="groups", kind=values.NAMES, about="the new groups in the directory"),
        ),
    ),
    Verb(
        name="delete_user",
        about="The portal and its directory have a user no longer; no worker starts again.",
        keys=(user,),
    ),
    Verb(
        name="end_portal_sessions",
        about="The portal ends all of its own sessions; every worker starts again.",
    ),
    Verb(
        name="directory_fails",
        about="The directory cannot be asked for some time.",
        keys=(Key(name="for", kind=values.SPAN, required=True, about="for so long"),),
    ),
    Verb(
        name="slow_portal",
        about="The portal takes so long for each answer from now on; 0s ends it.",
        keys=(Key(name="by", kind=values.SPAN, required=True, about="how long an answer takes"),),
    ),
)
