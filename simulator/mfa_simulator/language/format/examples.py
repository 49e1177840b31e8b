"""An example of each verb: the steps of a short story that ends well, for the users of `HEAD`."""

from __future__ import annotations

HEAD = """\
scenario: Example
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
steps:
"""
_ENROLLED = "- enroll: {user: user1, browser: laptop, phone: pixel}\n"
_LATER = _ENROLLED + "- wait: 1m\n"
_ALONE = {
    "wait": "- wait: 1m\n",
    "wait_until": "- wait_until: step+2s\n",
    "set_clock": "- set_clock: {phone: pixel, offset: -45s}\n",
    "new_phone": "- new_phone: {user: user1, phone: nokia}\n",
    "lose_phone": "- lose_phone: {user: user1, phone: pixel}\n",
    "password": "- password: {user: user1, browser: laptop}\n",
    "enroll": _ENROLLED,
    "postpone": (
        "- change_policy: {required_from: '2026-02-01T00:00:00Z'}\n- postpone: {user: user1, browser: laptop}\n"
    ),
    "start_enrollment": "- start_enrollment: {user: user1, browser: laptop, phone: pixel}\n",
    "confirm_enrollment": (
        "- start_enrollment: {user: user1, browser: laptop, phone: pixel}\n"
        "- confirm_enrollment: {user: user1, browser: laptop, phone: pixel}\n"
    ),
    "server_clock": "- server_clock: {offset: 20s}\n",
    "restart": "- restart: {worker: 1}\n",
    "rotate_keys": "- rotate_keys: {}\n",
    "change_policy": "- change_policy: {steps_back: 0, steps_ahead: 0, drift_steps_max: 0}\n",
    "store_fails": (
        "- store_fails: {for: 20s}\n"
        "- password: {user: user1, browser: laptop}\n"
        "  expect: {outcome: unavailable}\n"
    ),
}
_ENROLLED_FIRST = {
    "sign_out": "- sign_out: {browser: laptop}\n",
    "visit": "- visit: {browser: laptop, path: /}\n",
    "post": "- post: {browser: laptop, path: /orders, data: {item: Paper, quantity: '3'}}\n",
    "back": "- visit: {browser: laptop}\n- back: {browser: laptop}\n",
    "close_browser": "- close_browser: {browser: laptop}\n",
    "support_reset": "- support_reset: {user: user1, email: user1@example.com, reason: new phone}\n",
    "request": (
        "- request: {browser: laptop, method: GET, path: /api/status.json, "
        "headers: {Accept: application/json}}\n"
        "  expect: {status: 200}\n"
    ),
    "clear_cookies": "- clear_cookies: {browser: laptop, which: session}\n",
    "password_elsewhere": "- password_elsewhere: {user: user1, browser: thief, path: /profile, as: json}\n",
    "slow_upload": "- slow_upload: {user: user1, browser: thief}\n",
    "keep_cookies": "- keep_cookies: {browser: laptop, as: before}\n",
    "restore_cookies": (
        "- keep_cookies: {browser: laptop, as: before}\n"
        "- sign_out: {browser: laptop}\n"
        "- restore_cookies: {browser: laptop, cookies: before}\n"
    ),
    "keep_page": "- keep_page: {browser: laptop, as: welcome}\n",
    "show_page": (
        "- keep_page: {browser: laptop, as: welcome}\n"
        "- sign_out: {browser: laptop}\n"
        "- show_page: {browser: laptop, page: welcome}\n"
    ),
    "support_forget_drift": (
        "- support_forget_drift: {user: user1, email: user1@example.com, reason: our clock was wrong}\n"
    ),
    "revoke_sessions": "- revoke_sessions: {user: user1}\n",
    "remove_account": "- remove_account: {user: user1}\n",
    "support_invite": (
        "- remove_account: {user: user1}\n"
        "- support_invite: {user: user1, email: user1@example.com, reason: is back}\n"
    ),
    "reset_all": "- reset_all: {reason: a lost backup}\n",
    "change_user": "- change_user: {user: user1, email: new.name@example.com}\n",
    "delete_user": "- delete_user: {user: user1}\n",
    "end_portal_sessions": (
        "- end_portal_sessions: {}\n- visit: {browser: laptop}\n  expect: {outcome: sign_in_required}\n"
    ),
    "rename_account": (
        "- change_user: {user: user1, name: alicia}\n- rename_account: {user: user1, from: user1}\n"
    ),
    "settle_spelling": ("- change_user: {user: user1, name: USER1}\n- settle_spelling: {user: user1}\n"),
    "backup_store": "- backup_store: {as: monday}\n",
    "restore_store": ("- backup_store: {as: monday}\n- restore_store: {backup: monday}\n- fence_store: {}\n"),
    "close_store": (
        "- close_store: {}\n- visit: {browser: laptop}\n  expect: {outcome: unavailable}\n- open_store: {}\n"
    ),
    "open_store": "- close_store: {}\n- open_store: {}\n- visit: {browser: laptop}\n",
    "fence_store": ("- backup_store: {as: monday}\n- restore_store: {backup: monday}\n- fence_store: {}\n"),
    "directory_fails": "- directory_fails: {for: 1m}\n",
    "slow_portal": "- slow_portal: {by: 2s}\n- visit: {browser: laptop}\n",
    "stale_reads": (
        "- stale_reads: {calls: 1}\n"
        "- visit: {browser: laptop}\n"
        "  expect: {outcome: unavailable}\n"
        "- visit: {browser: laptop}\n"
    ),
    "stall_worker": "- stall_worker: {call: load, for: 5s}\n- visit: {browser: laptop}\n",
    "end_worker": (
        "- end_worker: {call: load}\n"
        "- visit: {browser: laptop}\n"
        "  expect: {outcome: timeout}\n"
        "- visit: {browser: laptop}\n"
    ),
    "slow_store": "- slow_store: {by: 100ms}\n- visit: {browser: laptop}\n",
    "replay_code": "- replay_code: {user: user1, browser: thief, from: laptop}\n",
    "steal_cookie": "- steal_cookie: {user: user1, browser: thief, from: laptop}\n",
}
_MUCH_LATER = {
    "clone_phone": (
        "- clone_phone: {user: user1, phone: pixel, as: copy}\n"
        "- sign_in: {user: user1, browser: tablet, phone: copy}\n"
    ),
    "read_code": (
        "- read_code: {phone: pixel, as: seen}\n- sign_in: {user: user1, browser: tablet, code: seen}\n"
    ),
    "sign_in": "- sign_in: {user: user1, browser: tablet, phone: pixel}\n",
    "enter_code": (
        "- password: {user: user1, browser: tablet}\n"
        "- enter_code: {user: user1, browser: tablet, phone: pixel}\n"
    ),
    "recover": "- recover: {user: user1, browser: tablet}\n",
    "save_recovery_code": (
        "- recover: {user: user1, browser: tablet, save: no}\n"
        "  expect: {outcome: must_save_recovery_code}\n"
        "- save_recovery_code: {browser: tablet}\n"
    ),
    "resync": "- sign_out: {browser: laptop}\n- resync: {user: user1, browser: laptop, phone: pixel}\n",
    "start_resync": (
        "- sign_out: {browser: laptop}\n- start_resync: {user: user1, browser: laptop, phone: pixel}\n"
    ),
    "finish_resync": (
        "- sign_out: {browser: laptop}\n"
        "- start_resync: {user: user1, browser: laptop, phone: pixel}\n"
        "- wait_until: step+1s\n"
        "- finish_resync: {user: user1, browser: laptop, phone: pixel}\n"
    ),
    "retry": (
        "- recover: {user: user1, browser: tablet}\n"
        "  network: {lose: response}\n"
        "  expect: {outcome: timeout}\n"
        "- retry: {browser: tablet}\n"
        "  expect: {outcome: signed_in}\n"
    ),
    "double_click": (
        "- sign_in: {user: user1, browser: tablet, phone: pixel}\n- double_click: {browser: tablet}\n"
    ),
    "guess": "- guess: {user: user1, browser: thief, times: 3, every: 1s}\n",
    "support_unlock": (
        "- guess: {user: user1, browser: thief, times: 20, every: 1s}\n"
        "- support_unlock: {user: user1, email: user1@example.com, reason: locked out}\n"
    ),
    "show_unlock_code": (
        "- support_unlock: {user: user1, email: user1@example.com, reason: locked out}\n"
        "- show_unlock_code: {user: user1, browser: tablet}\n"
    ),
    "forget_browser": "- forget_browser: {browser: laptop}\n",
    "copy_known_browser": "- copy_known_browser: {user: user1, browser: thief, from: laptop}\n",
    "phish_relay": (
        "- read_code: {phone: pixel, as: told}\n"
        "- wait: 2m\n"
        "- phish_relay: {user: user1, browser: thief, code: told}\n"
    ),
    "stuff_recovery": "- stuff_recovery: {user: user1, browser: thief, times: 3}\n",
    "together": (
        "- read_code: {phone: pixel, as: seen}\n"
        "- together:\n"
        "    - sign_in: {user: user1, browser: one, code: seen}\n"
        "      expect: {outcome: [signed_in, used_code]}\n"
        "    - sign_in: {user: user1, browser: two, code: seen}\n"
        "      expect: {outcome: [signed_in, used_code]}\n"
    ),
}
_CALENDAR = (
    _ENROLLED + "- make_app_password: {user: user1, browser: laptop, program: calendar, path: /calendars}\n"
)
_WITH_PROGRAMS = {
    "make_app_password": _CALENDAR,
    "use_app_password": (
        _CALENDAR + "- use_app_password: {user: user1, program: calendar, times: 24, every: 1h}\n"
    ),
    "end_app_password": (
        _CALENDAR + "- end_app_password: {user: user1, browser: laptop, program: calendar}\n"
        "- use_app_password: {user: user1, program: calendar}\n"
        "  expect: {outcome: wrong_code}\n"
    ),
    "keep_app_passwords": (
        _CALENDAR + "- recover: {user: user1, browser: tablet}\n"
        "  expect: {outcome: must_choose_app_passwords}\n"
        "- keep_app_passwords: {browser: tablet, keep: calendar}\n"
    ),
    "revoke_app_passwords": _CALENDAR + "- revoke_app_passwords: {user: user1}\n",
}
EXAMPLES = {
    **_ALONE,
    **{verb: _ENROLLED + steps for verb, steps in _ENROLLED_FIRST.items()},
    **_WITH_PROGRAMS,
    **{verb: _LATER + steps for verb, steps in _MUCH_LATER.items()},
}


def example_file(verb: str) -> str:
    """Give a whole scenario file in which a verb is used."""
    head = HEAD.replace("steps:", "programs: yes\nsteps:") if verb in _WITH_PROGRAMS else HEAD
    return head + "".join(f"  {line}\n" for line in EXAMPLES[verb].splitlines())
