"""``wsgi-mfa keys``: make a key for the ring, and change the key that seals (D29)."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click
from rich import box
from rich.table import Table

from wsgi_mfa.cli.context import FIRST_KEY_ID, CommandContext, context_options
from wsgi_mfa.cli.output import console, counted, plain
from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.instants import utc_text as utc
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.identity.sealing.expiry_record import forget_keys
from wsgi_mfa.keys.check_values import reject_other_keys
from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing
from wsgi_mfa.operations import key_checks
from wsgi_mfa.operations.key_rotation import (
    LIVE_MINUTES,
    Step,
    Survey,
    re_encrypt_all,
    survey,
    with_new_key,
    with_promoted,
    without_retired,
)
from wsgi_mfa.service import PATIENCE_SECONDS
from wsgi_mfa.stores.protocol import WorkerReport


@click.group(short_help="The keys that seal what is stored.")
def keys() -> None:
    """Keys that seal what is stored and sign what is handed out."""


@keys.command(short_help="Print a new key.")
@click.option("--id", "key_id", default=FIRST_KEY_ID, show_default=True, help="The new key's id in the ring.")
def generate(key_id: str) -> None:
    """Print a new key as ID:KEY.

    Put it into WSGI_MFA_KEYS; to change keys later, see wsgi-mfa keys rotate.
    """
    click.echo(KeyRing.generate_text(SystemEntropy(), key_id))


@keys.command(short_help="Go one step on the way to a new key.")
@context_options
def rotate(place: CommandContext) -> None:
    """Go one step on the way to a new key; three steps make a rotation.

    The first adds a key that only opens; the second lets it seal, as soon as every worker knows it, and seals every
    account anew; the third retires the old key.

    Keys in a file are changed there, and workers read it. Keys in an environment variable are printed, to be set by
    you before the workers are started again: the value alone on standard output, all else on standard error.
    """
    found = _ready(place)
    if found.step is Step.RETIRE and found.lasting:
        _give_up("not yet", *_lasting_cookies(found))
    if found.step is Step.ADD:
        _add(place)
    elif found.step is Step.PROMOTE:
        _promote(place, found)
    else:
        _retire(place, found)


@keys.command(short_help="Retire old keys.")
@click.option(
    "--sign-out",
    is_flag=True,
    help="Do so while cookies of the portal last that an old key has sealed: their users sign in again.",
)
@context_options
def retire(place: CommandContext, *, sign_out: bool) -> None:
    """Retire old keys, which is the third step of a rotation.

    A key that has sealed cookies of the portal is kept until the last of them has expired, unless you say --sign-out,
    which ends them.
    """
    found = _ready(place)
    if found.step is not Step.RETIRE:
        _give_up(f"there is no old key to retire; next: keys rotate {_deed(found)}")
    if found.lasting and not sign_out:
        _give_up("not yet", *_lasting_cookies(found))
    _retire(place, found)


def _ready(place: CommandContext) -> Survey:
    """Return where the rotation is; give up where a key is lost, or a worker has to hear of the last step first."""
    reject_other_keys(place.keys.ring, place.store.key_checks(), place.store.identity.store_id)
    found = _found(place)
    if found.lost_ids:
        _give_up(f"the ring lacks {', '.join(found.lost_ids)}, by which accounts are sealed: add it first")
    if found.waiting_for:
        _give_up("not yet", *_reasons_to_wait(found))
    return found


def _lasting_cookies(found: Survey) -> tuple[str, ...]:
    """Return the reasons why old keys cannot be retired without signing users out, one a line."""
    return (
        *(
            f"{key_id} has sealed cookies of the portal until {utc(at)} UTC"
            for key_id, at in found.lasting.items()
        ),
        "Wait until they have expired, or end them: keys retire --sign-out",
    )


def _found(place: CommandContext) -> Survey:
    store = place.store  # first, since where it is missing its keys are missing too
    return survey(store, place.keys.ring, now=SystemClock().now())


def _add(place: CommandContext) -> None:
    ring = place.keys.ring
    text = with_new_key(ring, SystemEntropy())
    new_id = KeyRing.from_text(text).ids[-2]
    _keep(place, text, f"step 1 of 3: {new_id} is new and only opens; {ring.writing_id} seals")
    key_checks.record_new(place.store, KeyRing.from_text(text), new_id)
    _tell(place, f"next: keys rotate, once every worker knows {new_id} (see keys check)")


def _promote(place: CommandContext, found: Survey) -> None:
    ring = place.keys.ring
    text = with_promoted(ring, found.new_ids)
    promoted = KeyRing.from_text(text)
    _keep(
        place, text, f"step 2 of 3: {promoted.writing_id} seals; {ring.writing_id} opens what it has sealed"
    )
    _re_encrypt(place, promoted)
    key_checks.record(place.service_with(promoted))
    _tell(
        place,
        f"next: keys rotate, which retires {ring.writing_id}. A day later is best: browsers",
        f"whose cookies {ring.writing_id} has signed are asked for a code then. It waits for the",
        "portal's cookies that it has sealed to expire (see keys retire --sign-out).",
    )


def _retire(place: CommandContext, found: Survey) -> None:
    ring = place.keys.ring
    if found.workers:
        SystemClock().sleep(PATIENCE_SECONDS)  # so long a request may save what it has sealed before (D21)
    if any(each in _found(place).sealed_counts for each in found.old_ids):
        _re_encrypt(place, ring)
    step = f"step 3 of 3: {', '.join(found.old_ids)} is retired; {ring.writing_id} seals"
    _keep(place, without_retired(ring, found.old_ids), step)
    forget_keys(place.store, found.old_ids)
    place.store.set_key_checks(dict.fromkeys(found.old_ids))


def _re_encrypt(place: CommandContext, ring: KeyRing) -> None:
    count, closed = re_encrypt_all(place.service_with(ring))
    _tell(place, f"sealed anew: {counted(count, 'account')}")
    if closed:
        names = ", ".join(map(repr, closed))
        _give_up(f"{counted(len(closed), 'account')} could not be opened: {names}")


def _keep(place: CommandContext, text: str, step: str) -> None:
    """Put the ring where it is kept, or print it, and tell of the ``step`` once that is done."""
    if isinstance(place.keys, KeyFile):
        place.keys.replace(text)
        _tell(place, step, f"keys: {place.keys_file}")
    else:
        _tell(place, step, f"set {place.keys_variable} to the line below, and start every worker anew")
        click.echo(text)


def _tell(place: CommandContext, *lines: str) -> None:
    for line in lines:
        click.echo(line, err=not isinstance(place.keys, KeyFile))


def _give_up(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(1)


@keys.command(short_help="Show which key seals what, and who knows it.")
@context_options
def check(place: CommandContext) -> None:
    """Show which keys seal how many accounts, which workers know which keys, and what the next step is."""
    found = _found(place)
    out = console()
    out.print(_keys_table(found))
    out.print()
    if found.workers:
        out.print(_workers_table(found.workers))
    else:
        out.print(f"no worker has had a request in the last {LIVE_MINUTES} minutes")
    out.print()
    lasting = _lasting_cookies(found) if found.lasting and found.step is Step.RETIRE else ()
    for line in _reasons_to_wait(found) or lasting or (f"next: keys rotate {_deed(found)}",):
        out.print(plain(line))
    if found.lost_ids:
        _give_up(f"the ring lacks {', '.join(found.lost_ids)}, by which accounts are sealed")


def _keys_table(found: Survey) -> Table:
    table = _table("key", "state", "has sealed", "known by")
    states = dict.fromkeys(found.lost_ids, "missing")
    states |= dict.fromkeys(found.old_ids, "old, opens")
    states |= dict.fromkeys(found.new_ids, "new, opens")
    states[found.writing_id] = "seals"
    for key_id, state in states.items():
        known = sum(key_id in worker.key_ids for worker in found.workers)
        table.add_row(
            key_id,
            state,
            counted(found.sealed_counts.get(key_id, 0), "account"),
            f"{known} of {counted(len(found.workers), 'worker')}",
        )
    return table


def _workers_table(workers: Iterable[WorkerReport]) -> Table:
    table = _table("worker", "reported (UTC)", "keys, the last one seals")
    for worker in workers:
        table.add_row(plain(worker.worker_id), utc(worker.at), plain(" ".join(worker.key_ids)))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _deed(found: Survey) -> str:
    if found.step is Step.PROMOTE:
        return f"lets {', '.join(found.new_ids)} seal"
    return f"retires {', '.join(found.old_ids)}" if found.step is Step.RETIRE else "adds a new key"


def _reasons_to_wait(found: Survey) -> tuple[str, ...]:
    """Why the next step would be too early, one worker a line; nothing where it would not."""
    if not found.waiting_for:
        return ()
    if found.step is Step.PROMOTE:
        fault = f"does not know {', '.join(found.new_ids)}"
    else:
        fault = f"does not seal with {found.writing_id}"
    return (
        *(f"worker {worker.worker_id} {fault} (told {utc(worker.at)} UTC)" for worker in found.waiting_for),
        "A worker reads a key file with its next request; one whose keys are in its",
        f"environment must be started anew. One that is silent for {LIVE_MINUTES} minutes has ended.",
    )
