"""``python -m mfa_simulator`` is the command ``mfa-sim``."""

from __future__ import annotations

from mfa_simulator.cli import main

if __name__ == "__main__":
    main(prog_name="mfa-sim")
