"""What a new scenario file holds: a story that passes, with a comment where there is a choice."""

from __future__ import annotations

_TEXT = """\
# yaml-language-server: $schema=mfa-scenario.schema.json
# (mfa-sim schema > mfa-scenario.schema.json writes the schema beside this file.)

# Why: say here, in a sentence, why this story is worth to be kept.
scenario: {title}
tags: [draft]                          # words to choose files by, as marks in pytest

# The users of the portal, each with what it knows: password, address, phones. A phone's clock may be wrong from the
# start: {{offset: -45s}}, {{drift_ppm: 50}}, {{wrong_zone: 1h}}; nothing at all is a right clock.
users:
  user1: {{password: correct horse, email: user1@example.com, phones: {{pixel: }}}}

# start: 2026-03-02T09:00:00Z          # when the story begins; the default is the boundary of a time step
# policy: {{steps_back: 1}}              # settings of the middleware
# workers: 2                           # processes that share a store
# network: {{latency: 80ms}}             # for every request

steps:
  # A step is one verb. `mfa-sim verbs` lists them, `mfa-sim verbs sign_in` shows one.
  - enroll: {{user: user1, browser: laptop, phone: pixel}}

  # Without `expect` a step must come to what its verb is for. Whoever signs in again in the same 30 seconds types a
  # code that was used already:
  - sign_in: {{user: user1, browser: tablet, phone: pixel}}
    expect: {{outcome: used_code, hint: wait_for_next}}

  # Time stands still unless a step lets it pass; `step+2s` is two seconds into the next time step.
  - wait_until: step+2s
  - enter_code: {{user: user1, browser: tablet, phone: pixel}}

  # `expect: {{}}` is filled in by `mfa-sim run --update`.
  - sign_out: {{browser: laptop}}
  - password: {{user: user1, browser: laptop}}
    expect: {{outcome: must_verify, hint: none}}
"""


def template(name: str) -> str:
    """Give the text of a new file; `name` is that of the file without its ending, and makes the title."""
    words = " ".join(name.replace("-", " ").replace("_", " ").split()) or "a story"
    title = words[:1].upper() + words[1:]
    plain = all(letter.isalnum() or letter in " .'" for letter in title) and title[0].isalpha()
    return _TEXT.format(title=title if plain else "'" + title.replace("'", "''") + "'")
