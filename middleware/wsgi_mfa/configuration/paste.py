"""The middleware as a filter of PasteDeploy, which Pyramid, TurboGears, Zope and old Pylons portals are started by.

::

    [filter:mfa]
    use = egg:wsgi-mfa
    config = %(here)s/mfa.toml
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wsgi_mfa.configuration.build import wrapped
from wsgi_mfa.configuration.setting_types import reject_unknown
from wsgi_mfa.configuration.toml_file import read_configuration
from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: All settings of the section; whatever else there is to set stands in mfa.toml.
SETTINGS = ("config",)


def filter_factory(
    global_conf: Mapping[str, str] | None, **local_conf: str
) -> Callable[[WSGIApplication], WSGIApplication]:
    """The filter of a section, for ``[filter:...]``, ``pipeline`` and ``filter-with``.

    ``config`` names the file ``mfa.toml``; a relative path begins at the folder of the ini file (``here``).

    :raises ConfigurationError: a setting is unknown, missing or not legal, in the section or in the file.
    """
    path = _path(global_conf or {}, local_conf)
    configuration = read_configuration(path)
    # The ini file is read once, the pipeline may be built for several applications.
    return lambda application: wrapped(application, configuration)


def filter_app_factory(
    application: WSGIApplication, global_conf: Mapping[str, str] | None, **local_conf: str
) -> WSGIApplication:
    """``application`` with the section's filter around it.

    :raises ConfigurationError: as :func:`filter_factory`.
    """
    return filter_factory(global_conf, **local_conf)(application)


def _path(global_conf: Mapping[str, str], local_conf: Mapping[str, str]) -> Path:
    reject_unknown("", local_conf, SETTINGS)
    config = local_conf.get("config", "").strip()
    if not config:
        raise ConfigurationError(
            "config is missing: the path of the file mfa.toml is needed", setting="config"
        )
    return Path(global_conf.get("here", ".")) / config
