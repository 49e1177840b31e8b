"""``wsgi-mfa keys``: make a key for the ring."""

from __future__ import annotations

import click

from wsgi_mfa.cli.place import FIRST_KEY_ID
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.keys import KeyRing


@click.group()
def keys() -> None:
    """Keys that seal what is stored and sign what is handed out."""


@keys.command()
@click.option("--id", "key_id", default=FIRST_KEY_ID, show_default=True, help="The new key's id in the ring.")
def generate(key_id: str) -> None:
    """Print a new key as ID:KEY.

    Put it into WSGI_MFA_KEYS; to change keys, add the new one behind the old one, with a comma between.
    """
    click.echo(KeyRing.generate_text(SystemEntropy(), key_id))
