"""What must hold in every story, judged by what the world knows and never by the middleware's own rules.

The judges see each exchange from outside: true time and the server's clock, what was typed, what replies hold, which
keys and codes stood on which page, and every account and event that was saved. From that they keep books of their own.
"""

from __future__ import annotations
