"""``wsgi-mfa accounts rollout``: how far a roll-out has come."""

from __future__ import annotations

import click

from wsgi_mfa.cli.context import CommandContext, context_options
from wsgi_mfa.cli.output import console, counted, pairs, plain
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.instants import utc_text as utc
from wsgi_mfa.core.rollout import is_rolling_out, required_since
from wsgi_mfa.operations.rollout_report import people_of, progress_of


@click.command(short_help="Tell how many users have set up a phone.")
@click.option("--missing", is_flag=True, help="Name all who have none, those who must come first.")
@context_options
def rollout(place: CommandContext, missing: bool) -> None:
    """Tell who needs a second factor by the policy, how many have set up a phone, and how many have not.

    Where the directory has a method people(), everybody whom it lists is counted, else those who have an account: a
    user has one from the first page for setting up a phone, or from "remind me later".
    """
    policy = place.policy
    context = Context(now=SystemClock().now(), policy=policy)
    directory = None if place.configuration is None else place.configuration.directory
    people = people_of(directory)
    progress = progress_of(place.store, context, people)
    count = sum(map(len, (progress.enrolled, progress.due, progress.waiting)))
    noun, where = ("account", "store") if people is None else ("user", "directory")
    facts = [
        ("required", _required(context)),
        ("counted", f"{counted(count, noun)} in the {where}"),
        ("with a phone", str(len(progress.enrolled))),
        ("must set one up", str(len(progress.due))),
        ("need none yet", f"{len(progress.waiting)}, {progress.postponed_count} of them put it off"),
    ]
    if progress.unlisted_count:
        facts.append(
            ("beside them", f"{counted(progress.unlisted_count, 'phone')} of users whom it does not list")
        )
    if people is None and policy.required_groups:
        facts.append(
            ("groups", "not known here: the directory lists nobody, so their users are counted as others")
        )
    out = console()
    out.print(pairs(facts))
    if missing:
        rows = [(user, "must") for user in progress.due] + [(user, "not yet") for user in progress.waiting]
        for user, how in rows:
            out.print(plain(f"{how:8} {user}"))


def _required(context: Context) -> str:
    if not is_rolling_out(context.policy):
        return "of everybody"
    since = required_since(context.policy)
    if since is not None and context.now >= since:
        return f"of everybody, since {utc(since)} UTC"
    users, groups = len(context.policy.required_users), len(context.policy.required_groups)
    chosen = f"of {counted(users, 'user')} and {counted(groups, 'group')}" if users or groups else "of nobody"
    return f"{chosen} now, of everybody {'on no fixed day' if since is None else f'from {utc(since)} UTC'}"
