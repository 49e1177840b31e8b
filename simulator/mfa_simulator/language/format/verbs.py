"""The verbs of a step: what each takes, what it does, and what it must come to when nothing else is expected."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.language.format import kinds
from mfa_simulator.language.format.kinds import Key, Kind
from mfa_simulator.language.format.outcomes import ALL, PAGES
from mfa_simulator.language.quantities import SECOND

VALUE = "value"
TOGETHER = "together"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How the keys of a verb depend on one another: exactly one of them is there."""

    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """One verb; `scalar` is the kind of its value when it takes one value and no mapping.

    `must` holds the outcomes one of which a step without `expect` must reach, None when there is no such rule.
    `answers` holds the outcomes that can be expected of it; it is empty for a verb that asks nobody.
    """

    name: str
    about: str
    keys: tuple[Key, ...] = ()
    scalar: Kind | None = None
    must: tuple[str, ...] | None = None
    answers: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def sends(self) -> bool:
        """Whether it sends requests, which a network can touch; the support desk sits beside the server."""
        return bool(self.answers) and not self.name.startswith("support_")


user = Key(name="user", kind=kinds.USER, required=True, about="who acts")
some_user = Key(name="user", kind=kinds.USER, about="who acts; the browser's last user when left out")
browser = Key(
    name="browser", kind=kinds.BROWSER, required=True, about="in which browser; a new name is a new browser"
)
phone = Key(name="phone", kind=kinds.PHONE, required=True, about="with which phone")
some_phone = Key(name="phone", kind=kinds.PHONE, about="with which phone")
typing = Key(name="typing", kind=kinds.SPAN, default=5 * SECOND, about="from reading the code to sending it")
save = Key(
    name="save",
    kind=kinds.TICK,
    default=True,
    about="whether the user ticks that the recovery code is stored",
)
remember = Key(
    name="remember",
    kind=kinds.TICK,
    default=False,
    about="whether the user ticks that no code is asked for in this browser",
)
code = Key(name="code", kind=kinds.TEXT, about="a code as text, or the name of one that was read")
path = Key(name="path", kind=kinds.PATH, default="/", about="which page")
reason = Key(name="reason", kind=kinds.TEXT, required=True, about="why, for the audit log")
email = Key(name="email", kind=kinds.TEXT, required=True, about="the address that the caller names")
agent = Key(
    name="agent", kind=kinds.TEXT, default="support", about="who of the support desk acts, by the command"
)
desk_browser = Key(
    name="browser",
    kind=kinds.BROWSER,
    about="over HTTP, by whoever is signed in there; users of the group support are agents",
)
delay = Key(name="delay", kind=kinds.SPAN, default=0, about="how long the desk takes; the clock moves")
times = Key(name="times", kind=kinds.whole(1, 100_000), default=1, about="how often")
every = Key(name="every", kind=kinds.SPAN, default=0, about="how much time passes between two tries")
origin = Key(name="from", kind=kinds.BROWSER, about="whose browser")
worker = Key(name="worker", kind=kinds.WORKER, about="which worker; all when left out")
clock_rule = Rule(names=tuple(key.name for key in kinds.CLOCK_KEYS))
phone_or_code = Rule(names=("phone", "code"))


def _attack(name: str, about: str, must: tuple[str, ...], *keys: Key) -> Verb:
    return Verb(name=name, about=about, must=must, answers=PAGES, keys=(user, browser, *keys))


VERBS = (
    Verb(name="wait", about="Time passes.", scalar=kinds.SPAN),
    Verb(name="wait_until", about="Time passes up to a moment.", scalar=kinds.MOMENT),
    Verb(
        name="set_clock",
        about="Somebody sets a phone's clock.",
        keys=(phone, *kinds.CLOCK_KEYS),
        rules=(clock_rule,),
    ),
    Verb(
        name="new_phone",
        about="A user gets another phone, with an empty authenticator app and a right clock.",
        keys=(user, Key(name="phone", kind=kinds.TEXT, required=True, about="its name")),
    ),
    Verb(name="lose_phone", about="A phone is gone, and its keys with it.", keys=(user, phone)),
    Verb(
        name="clone_phone",
        about="A phone's keys are copied to another one, by a backup or a thief.",
        keys=(user, phone, Key(name="as", kind=kinds.TEXT, default="clone", about="the name of the copy")),
    ),
    Verb(
        name="read_code",
        about="Somebody reads the code that a phone shows and keeps it, to be used as `code: NAME` later.",
        keys=(phone, Key(name="as", kind=kinds.TEXT, required=True, about="the name to keep it by")),
    ),
    Verb(
        name="password",
        about="A user opens the portal and types user name and password, if the portal asks for them.",
        keys=(
            user,
            browser,
            Key(name="wrong", kind=kinds.TICK, default=False, about="types a wrong password"),
        ),
        must=("must_enroll", "must_verify"),
        answers=PAGES,
    ),
    Verb(
        name="enroll",
        about="A user signs in with the password, puts the key into a phone, types a code, stores the recovery code.",
        keys=(
            user,
            browser,
            phone,
            Key(name="manual", kind=kinds.TICK, default=False, about="types the key by hand"),
            save,
            typing,
        ),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="start_enrollment",
        about="As `enroll`, but the user stops once the phone has the key.",
        keys=(
            user,
            browser,
            phone,
            Key(name="manual", kind=kinds.TICK, default=False, about="types the key by hand"),
            typing,
        ),
        must=("must_enroll",),
        answers=PAGES,
    ),
    Verb(
        name="confirm_enrollment",
        about="A user types a code of the key that the phone took last, and stops before the tick box.",
        keys=(user, browser, phone, typing),
        must=("must_save_recovery_code",),
        answers=PAGES,
    ),
    Verb(
        name="postpone",
        about="A user who needs no phone yet types the password if the portal asks, and presses Remind me later.",
        keys=(user, browser),
        must=("welcome",),
        answers=PAGES,
    ),
    Verb(
        name="sign_in",
        about="A user types the password if the portal asks, then a code.",
        keys=(user, browser, some_phone, code, typing, remember),
        rules=(phone_or_code,),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="enter_code",
        about="A user types a code into the page that the browser shows.",
        keys=(user, browser, some_phone, code, typing, remember),
        rules=(phone_or_code,),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="recover",
        about="A user signs in with the password and the recovery code, and stores the new one.",
        keys=(
            user,
            browser,
            Key(
                name="code",
                kind=kinds.TEXT,
                default="current",
                about="`current`, `previous`, or a code as text",
            ),
            save,
            typing,
        ),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="save_recovery_code",
        about="A user ticks that the recovery code on the page is stored, and continues.",
        keys=(browser, some_user),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="resync",
        about="A user types two consecutive codes, so that the phone's clock is learned again.",
        keys=(browser, some_user, some_phone, typing),
        must=("resynced",),
        answers=PAGES,
    ),
    Verb(
        name="sign_out",
        about="A user signs out.",
        keys=(browser, some_user),
        must=("signed_out",),
        answers=PAGES,
    ),
    Verb(
        name="visit", about="A browser opens a page.", keys=(browser, path), must=("welcome",), answers=PAGES
    ),
    Verb(
        name="post",
        about="A browser sends a form to the portal.",
        keys=(browser, path, Key(name="data", kind=kinds.TEXTS, default={}, about="the form's fields")),
        must=("welcome",),
        answers=PAGES,
    ),
    Verb(
        name="retry",
        about="The browser sends its last deciding request again, as it was, and carries the verb to its end.",
        keys=(browser,),
        answers=PAGES,
    ),
    Verb(
        name="double_click",
        about="The browser sends its last deciding request a second time, as an impatient user makes it do.",
        keys=(browser,),
        answers=PAGES,
    ),
    Verb(
        name="back",
        about="The browser goes back to the page before, and loads it again.",
        keys=(browser,),
        answers=PAGES,
    ),
    Verb(
        name="close_browser",
        about="The browser is closed; cookies that last only as long are gone.",
        keys=(browser,),
    ),
    Verb(
        name="support_reset",
        about="The support desk resets a user's second factor.",
        keys=(user, email, reason, agent, desk_browser, delay),
        must=("reset",),
        answers=ALL,
    ),
    Verb(
        name="support_unlock",
        about="The support desk gives a locked user new tries.",
        keys=(user, email, reason, agent, desk_browser, delay),
        must=("unlocked",),
        answers=ALL,
    ),
    Verb(
        name="server_clock",
        about="Somebody sets the clock of a worker.",
        keys=(worker, *kinds.CLOCK_KEYS),
        rules=(clock_rule,),
    ),
    Verb(name="restart", about="A worker ends and starts again on the same store.", keys=(worker,)),
    Verb(
        name="rotate_keys",
        about="The operator adds a key that seals from now on; every worker starts again with it, and the others open.",
    ),
    Verb(
        name="change_policy", about="The operator changes settings, and every worker starts again with them."
    ),
    Verb(
        name="store_fails",
        about="The store fails, for some calls or for some time, before or after it has committed.",
        keys=(
            Key(name="calls", kind=kinds.whole(1), about="so many saves fail"),
            Key(name="for", kind=kinds.SPAN, about="every call fails for so long"),
            Key(
                name="when",
                kind=kinds.choice("WHEN", ("before", "after")),
                default="before",
                about="before or after the commit",
            ),
        ),
        rules=(Rule(names=("calls", "for")),),
    ),
    _attack(
        "guess",
        "Somebody who knows the password guesses codes.",
        ("wrong_code", "locked"),
        times,
        every,
        Key(name="parallel", kind=kinds.whole(1, 1000), default=1, about="so many at once"),
        Key(name="among", kind=kinds.TEXT, about="a code that is put last among the guesses"),
    ),
    _attack(
        "replay_code",
        "Somebody types a code that another browser has used.",
        ("used_code",),
        code,
        origin,
        times,
    ),
    _attack(
        "steal_cookie",
        "Somebody takes the portal's cookie from another browser.",
        ("must_verify", "sign_in_required"),
        origin,
        Key(
            name="by",
            kind=kinds.choice("BY", ("cookie", "clear", "inside", "argument", "path")),
            default="cookie",
            about="as the browser holds it, or as the portal set it: by itself, inside another cookie, elsewhere",
        ),
    ),
    _attack(
        "phish_relay",
        "Somebody passes on a code that a user typed into a false page.",
        ("wrong_code",),
        code,
        origin,
        times,
    ),
    _attack(
        "stuff_recovery",
        "Somebody who knows the password tries recovery codes.",
        ("wrong_code",),
        code,
        times,
    ),
    Verb(name=TOGETHER, about="Steps happen at the same time, in an order that comes from the seed."),
    Verb(
        name="request",
        about="A browser sends one request, exactly as written, and follows nothing.",
        keys=(
            browser,
            Key(name="method", kind=kinds.TEXT, required=True, about="GET, POST, ..."),
            Key(name="path", kind=kinds.PATH, required=True, about="path and query"),
            Key(name="headers", kind=kinds.TEXTS, default={}, about="headers beside the cookies"),
            Key(name="body", kind=kinds.TEXT, default="", about="the body as text"),
        ),
        answers=PAGES,
    ),
)
BY_NAME = {verb.name: verb for verb in VERBS}
