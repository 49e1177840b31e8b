"""Drives one portal through its story: ``python drive.py NAME FOLDER``, in the environment of that portal."""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main(name: str, folder: str) -> None:
    sys.path.insert(0, str(HERE))
    os.chdir(folder)
    begun = time.monotonic()
    story_module = importlib.import_module("story")
    module = importlib.import_module(f"portals.{name}")
    features: set[str] = set()
    for variant, portal, story in module.stories(Path(folder)):
        run = story_module.Story(portal, features=features)
        getattr(story_module, story)(run)
        print(f"{name} {variant}: {run.checks} checks, {run.calls} calls of the portal")
    print(f"{name} showed: {', '.join(sorted(features))}")
    print(f"{name}: {time.monotonic() - begun:.1f} s")
    sys.stdout.flush()
    os._exit(0)  # some portals leave threads behind that would not end


if __name__ == "__main__":
    main(*sys.argv[1:])
