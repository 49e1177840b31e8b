"""``wsgi-mfa check``: whether a configuration would work, before anybody depends on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from wsgi_mfa.cli.through import problems_through
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.configuration.build import keys_of, public_url_of, store_of
from wsgi_mfa.configuration.setting_types import imported_application, secret
from wsgi_mfa.configuration.toml_file import Configuration, read_configuration
from wsgi_mfa.core.key_uri import checked_issuer
from wsgi_mfa.core.odds import ODDS_MAX, wrong_codes_a_year, yearly_odds
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rollout import is_rolling_out
from wsgi_mfa.core.usernames import UserNames, canonical
from wsgi_mfa.directory import Person
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError, MfaError, UnknownKeyError
from wsgi_mfa.gateway import Gateway
from wsgi_mfa.identity.adapter import problems_of
from wsgi_mfa.identity.request.sanitizer import declared_cookies
from wsgi_mfa.identity.request.undeclared import paths_in, undeclared_from
from wsgi_mfa.identity.sealing.settings import SealMode
from wsgi_mfa.identity.sign_in_check import SignIn, SignInCheck
from wsgi_mfa.keys.check_values import reject_other_keys
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.operations import integrity, key_checks
from wsgi_mfa.operations.key_rotation import survey
from wsgi_mfa.operations.rollout_report import people_of, unknown_names
from wsgi_mfa.operations.spellings import groups_of, problems_of_names
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store, every_user
from wsgi_mfa.support.agents import agents_from
from wsgi_mfa.web.api_credentials import check_entry, read_api_credentials
from wsgi_mfa.web.forward_auth import reject_unfit
from wsgi_mfa.web.settings import read_user_names

_SHOWN = 10  # of the accounts that are closed
#: The settings that an authenticator app learns from the QR code, and may ignore.
APP_SETTINGS = ("algorithm", "digits", "period_seconds")


@click.command(short_help="Tell whether a configuration would work.")
@click.option(
    "--config", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file mfa.toml."
)
@click.option("--through", metavar="URL", help="Also send requests through the front, as browsers do.")
@click.option(
    "--sign-in", "signs_in", is_flag=True, help="Play the sign-in of [sign_in] at the portal itself, too."
)
@click.option(
    "--upstream",
    metavar="URL",
    help="Where the portal of --sign-in listens, if the gateway is in front of it.",
)
def check(config: Path, *, through: str | None, signs_in: bool, upstream: str | None) -> None:
    """Read the configuration, run the identity adapter's self-test, open the store and try the keys on it.

    With --through, the portal must be running behind the front at URL, by this configuration.

    With --sign-in a bad and a good sign-in are played at the portal, without the middleware; then its session is
    sent as an argument, a path parameter, a header, in a body and inside another cookie, and it is said what the
    portal accepts. The user should have no rights.
    """
    configuration = read_configuration(config)
    keys: list[KeyRing] = []
    stores: list[Store] = []
    findings = [
        _finding("configuration", lambda: f"{config} is in order"),
        _finding("issuer", lambda: repr(checked_issuer(configuration.issuer))),
        _finding("identity", lambda: _identity(configuration)),
        _finding("public URL", lambda: _public_url(configuration)),
        _finding("undeclared_credentials", lambda: _undeclared_credentials(configuration)),
        _finding("sealing", lambda: _sealing(configuration)),
        _finding("keys", lambda: _keys(configuration, keys)),
        _finding("store", lambda: _store(configuration, stores)),
        _finding("user names", lambda: _user_names(configuration, stores)),
        _finding("guessing", lambda: _guessing(configuration.policy)),
        _finding("apps", lambda: _apps(configuration.policy)),
    ]
    if configuration.api_credentials:
        findings.append(_finding("api_credentials", lambda: _api_credentials(configuration)))
    if is_rolling_out(configuration.policy):
        findings.append(_finding("roll-out", lambda: _rollout(configuration)))
    if configuration.support_agents:
        findings.append(_finding("support_agents", lambda: _support_agents(configuration)))
    if configuration.forward_auth:
        findings.append(_finding("forward_auth", lambda: _forward_auth(configuration)))
    if keys and stores:
        findings.append(_finding("accounts", lambda: _accounts(stores[0], keys[0], configuration.policy)))
    if through is not None and keys:
        findings.append(_finding("through", lambda: _through(through, configuration, keys[0])))
    if signs_in:
        findings.append(_finding("sign-in", lambda: _sign_in(configuration, upstream)))
    if not all(findings):
        sys.exit(1)


def _finding(subject: str, look: Callable[[], str]) -> bool:
    """Say in one line what was found; False where something has to be changed."""
    try:
        click.echo(f"ok       {subject}: {look()}")
    except MfaError as error:
        click.echo(f"problem  {subject}: {error}")
        return False
    return True


def _identity(configuration: Configuration) -> str:
    problems = problems_of(
        configuration.identity, has_directory=configuration.directory is not None, ask_store=True
    )
    if problems:
        raise MfaError("; ".join(problems))
    credentials = configuration.identity.credentials
    names = [*credentials.cookies, *credentials.headers, *credentials.arguments]
    return f"{type(configuration.identity).__name__} reads {', '.join(names)}"


def _public_url(configuration: Configuration) -> str:
    public = public_url_of(configuration)
    if public.origin is None:
        return "url is not set: requests are taken for any Host, and forms are compared with the Host that arrives"
    return f"{public.origin}{public.root}; requests are taken for {', '.join(sorted(public.hosts or ()))}"


def _through(url: str, configuration: Configuration, keys: KeyRing) -> str:
    problems = list(problems_through(url, configuration, keys))
    if problems:
        raise MfaError("; ".join(problems))
    return f"what browsers send to {url} arrives as it should"


def _undeclared_credentials(configuration: Configuration) -> str:
    """What only people know: whether the portal takes credentials where nobody reads them (D4)."""
    closed = paths_in(undeclared_from(configuration.undeclared_credentials))
    if closed:
        return f"closed without a second factor: {', '.join(closed)}"
    return (
        "no path is closed; one that takes a password or token in its body must be:"
        ' undeclared_credentials = ["path /PATH"]'
    )


def _api_credentials(configuration: Configuration) -> str:
    read_api_credentials(
        configuration.api_credentials, configuration.identity, forward_auth=configuration.forward_auth
    )
    return f"without a second factor: {'; '.join(str(check_entry(entry)) for entry in configuration.api_credentials)}"


def _sealing(configuration: Configuration) -> str:
    """Return how the portal's cookies are sealed, and what is open where they are not."""
    settings, declared = configuration.sealing(), declared_cookies(configuration.identity)
    if not declared:
        return "the adapter reads no cookie of the portal, so that none is sealed"
    names = ", ".join(declared)
    if settings.mode is SealMode.OFF:
        return (
            f"seal_credentials is false: clients hold {names} as the portal set it, and what they smuggle past the"
            " middleware (by another cookie, a path, an argument or a body) signs them in with the password alone"
        )
    if settings.mode is SealMode.ACCEPT:
        return (
            f'seal_credentials is "accept": {names} is opened where it is sealed, and written in clear; only for the'
            " change-over of running workers, then set true, which signs every user out once"
        )
    told = [f"{names} and every cookie with HttpOnly"]
    told += [f"not {', '.join(settings.unsealed_cookies)}"] if settings.unsealed_cookies else []
    told += [f"shared by the group {settings.group!r}"] if settings.group is not None else []
    told += [f"also taken by {', '.join(configuration.also_by)}"] if configuration.also_by else []
    return "; ".join(told)


def _sign_in(configuration: Configuration, upstream: str | None) -> str:
    """Return what the portal accepts beside its cookie; what has to be changed is an error."""
    if configuration.sign_in is None:
        raise MfaError("there is no table [sign_in] with path, page, user and password_env")
    given = dict(configuration.sign_in)
    application, variable = given.pop("application", None), given.pop("password_env")
    if (application is None) == (upstream is None):
        raise MfaError("sign_in.application or --upstream is needed, and only one of them")
    portal = (
        imported_application(application, setting="sign_in.application")
        if upstream is None
        else Gateway(upstream)
    )
    report = SignInCheck(
        portal,
        configuration.identity,
        SignIn(password=secret(variable), **given),
        extra_undeclared=(
            *undeclared_from(configuration.undeclared_credentials),
            *configuration.sealing().other_ways,
        ),
        user_names=read_user_names(configuration.user_names, configuration.identity),
    ).run()
    if report.problems:
        raise MfaError("; ".join(report.problems))
    return "; ".join(("the adapter sees the user whom the portal signs in", *report.notes))


def _user_names(configuration: Configuration, stores: list[Store]) -> str:
    """Return how spellings are taken, and how many wait for an operator."""
    mode = read_user_names(configuration.user_names, configuration.identity)
    told = f"{mode.value}, as {'the setting says' if configuration.user_names else 'the adapter says'}"
    if not stores:
        return told
    problems = problems_of_names(stores[0], mode)
    if problems:
        raise MfaError("; ".join(problems))
    waiting = sum(len(group.refused) for group in groups_of(stores[0]))
    if waiting and mode is UserNames.ASK:
        noun = "spelling waits" if waiting == 1 else "spellings wait"
        return f"{told}; {waiting} rejected {noun} for an operator: wsgi-mfa accounts spellings"
    return told


def _rollout(configuration: Configuration) -> str:
    policy, people = configuration.policy, people_of(configuration.directory)
    if policy.required_groups and configuration.directory is None:
        raise MfaError(
            "policy.required_groups names groups: give directory=, which knows the groups of a user"
        )
    if people is None:
        return f"required_from is {policy.required_from}; whether users and groups are there, no directory can tell"
    unknown = unknown_names(policy, people)
    if unknown:
        raise MfaError("; ".join(unknown))
    return f"required_from is {policy.required_from}; the directory lists {len(people)} people"


def _support_agents(configuration: Configuration) -> str:
    directory = configuration.directory
    agents = agents_from(configuration.support_agents, has_directory=directory is not None)
    for name in sorted(agents.users):
        person = directory(name) if directory is not None else Person(name=name)
        if person is None or name not in (person.key, canonical(person.name), person.name):
            meant = "knows nobody" if person is None else f"knows {person.name!r}"
            raise MfaError(f"{name!r} is no name of an account: the directory {meant} by it")
    if directory is None:
        click.echo(
            "warning  support_agents: there is no directory, so that the desk cannot help users whose names are no"
            " e-mail addresses: name directory, which tells addresses"
        )
    told = [f"{len(agents.users)} by name"] if agents.users else []
    told += [f"those in {', '.join(sorted(agents.groups))}"] if agents.groups else []
    return f"{' and '.join(told)} may use {configuration.mount_path}/support"


def _forward_auth(configuration: Configuration) -> str:
    try:
        reject_unfit(configuration.identity, renews_sessions=configuration.renews_sessions)
    except ConfigurationError as error:
        raise MfaError(str(error).removeprefix("forward_auth: ")) from None
    peers = ", ".join(configuration.policy.trusted_peers)
    told = (
        f"from {peers}"
        if peers
        else "from nobody, since trusted_peers is empty: all lead to the portal's root"
    )
    return f"each sign-in has a session id of its own; paths are taken {told}"


def _guessing(policy: Policy) -> str:
    """Return the odds that a password thief who guesses all year hits a code."""
    count, odds = wrong_codes_a_year(policy), yearly_odds(policy)
    told = f"at most {count:,} wrong codes a year are judged, of which one is right with odds of {odds:.2%}"
    if odds > ODDS_MAX:
        raise MfaError(
            f"{told}; at most {ODDS_MAX:.0%} is legal: lower policy.failures_rolling_max or"
            " policy.known_failures_rolling_max, or raise policy.failures_rolling_days or policy.digits"
        )
    return told


def _apps(policy: Policy) -> str:
    """Return which authenticator apps make other codes than the policy asks for."""
    usual = Policy()
    unusual = {name: getattr(policy, name) for name in APP_SETTINGS}
    unusual = {name: value for name, value in unusual.items() if value != getattr(usual, name)}
    if not unusual:
        return "codes are of the kind that every authenticator app makes"
    settings = ", ".join(f"policy.{name} = {value}" for name, value in unusual.items())
    return (
        f"{settings}: Microsoft Authenticator and versions of Google Authenticator ignore that, and make codes of SHA1,"
        " 6 digits and 30 seconds, which are wrong here; try each app that you recommend, and name those that work"
    )


def _keys(configuration: Configuration, found: list[KeyRing]) -> str:
    source = keys_of(configuration)
    ring = source.ring
    found.append(ring)
    if isinstance(source, KeyFile) and source.warning is not None:
        click.echo(f"warning  keys: {source.warning}")
    if configuration.keys_file is not None and os.environ.get(configuration.keys_env, "").strip():
        click.echo(f"warning  keys: {configuration.keys_env} is set too and does not count: keys_file does")
    place = configuration.keys_file or configuration.keys_env
    return f"{', '.join(ring.ids)} from {place}; {ring.writing_id} seals and signs"


def _store(configuration: Configuration, found: list[Store]) -> str:
    found.append(store_of(configuration))
    return f"{configuration.store}, store id {found[0].identity.store_id[:8]}..."


def _accounts(store: Store, keys: KeyRing, policy: Policy) -> str:
    """Return what was found where every key of the ring opens what a key of its id has sealed."""
    store_id = store.identity.store_id
    known = store.key_checks()
    reject_other_keys(keys, known, store_id)
    unknown = [key_id for key_id in keys.ids if key_id not in known]
    if unknown:
        click.echo(
            f"warning  accounts: the store has no check value of {', '.join(unknown)}, so that another key by that"
            " name would not be noticed at start: `wsgi-mfa store init` records it"
        )
    service = MfaService(
        store=store.for_operator(), keys=keys, policy=policy, clock=SystemClock(), entropy=SystemEntropy()
    )
    counts = survey(service.store, keys, now=SystemClock().now()).sealed_counts
    missing = sorted(set(counts) - set(keys.ids))
    if missing:
        raise UnknownKeyError(", ".join(missing), known=keys.ids)
    key_checks.reject_unproven(service, set(counts))
    closed = list(integrity.problems(service))
    if closed:
        raise MfaError(f"{len(closed)} closed: {'; '.join(map(str, closed[:_SHOWN]))}")
    return f"{sum(1 for _ in every_user(store))}, each sealed and signed by a key of the ring"
