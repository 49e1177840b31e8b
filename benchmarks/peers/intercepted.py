"""A pytest plugin that leads tavern's requests to the application, in the same process."""

from __future__ import annotations

import wsgi_intercept
from replay import application
from wsgi_intercept import requests_intercept

requests_intercept.install()
wsgi_intercept.add_wsgi_intercept("127.0.0.1", 8000, application)
