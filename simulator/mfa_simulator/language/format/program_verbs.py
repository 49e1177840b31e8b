"""The verbs of programs with app passwords; a file that uses them says ``programs: yes``."""

from __future__ import annotations

from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.further_verbs import RESULTS
from mfa_simulator.language.format.kinds import Key
from mfa_simulator.language.format.outcomes import PAGES
from mfa_simulator.language.format.verb import Verb, agent, as_typed, browser, every, some_user, times, user

program = Key(name="program", kind=values.TEXT, required=True, about="the program, by a name")

PROGRAM_VERBS = (
    Verb(
        name="make_app_password",
        about="A user who is signed in makes an app password, and types it into a program.",
        keys=(
            user,
            browser,
            program,
            Key(name="path", kind=values.PATH, default="/", about="the part of the portal that it is for"),
            Key(name="days", kind=kinds.whole(1, 366), default=366, about="how long it is good"),
        ),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="use_app_password",
        about="A program asks the portal, with the user's password and the app password behind it.",
        keys=(
            user,
            program,
            Key(name="path", kind=values.PATH, default="/calendars", about="what it asks for"),
            Key(
                name="from",
                kind=kinds.one_or_many(values.ADDRESS),
                default=("127.0.0.1",),
                about="the client address, or several that take turns",
            ),
            times,
            every,
            Key(name="password", kind=values.PASSWORD, about="another password than the user's"),
            as_typed,
        ),
        must=("welcome",),
        answers=PAGES,
    ),
    Verb(
        name="end_app_password",
        about="A user who is signed in ends an app password.",
        keys=(user, browser, program),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="keep_app_passwords",
        about="A user who is asked which app passwords to keep ticks some, and continues.",
        keys=(
            browser,
            some_user,
            Key(
                name="keep",
                kind=kinds.one_or_many(values.TEXT, fewest=0),
                default=(),
                about="the programs that are kept",
            ),
        ),
        must=("signed_in",),
        answers=PAGES,
    ),
    Verb(
        name="revoke_app_passwords",
        about="The operator ends the app passwords of a user.",
        keys=(user, agent),
        must=("signed_out",),
        answers=RESULTS,
    ),
)
