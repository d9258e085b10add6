"""Finds the plug-ins: importing their modules is what registers them."""

from __future__ import annotations

import pkgutil
from importlib import import_module

HOMES = ("ingest.sources", "rules.hazards", "alerts.channels")
"""Packages whose modules may register a source, a hazard or a channel."""


def register_all() -> None:
    """Import every module of the plug-in packages, so that their kinds can be named.

    A module dropped into its package needs no other line anywhere. A kind that is taken twice
    raises ConfigMistake naming both modules.
    """
    for home in HOMES:
        package = import_module(home)
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{home}.{module.name}")
