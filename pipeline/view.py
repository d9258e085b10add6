"""Which part of the archive the hazards of a configuration read together."""

from __future__ import annotations

from datetime import timedelta

from ingest.block import View
from pipeline.config import Config

DERIVED = "derived"
"""Name under which derived quantities are archived."""


def view_of(config: Config) -> View:
    """One view wide enough for every enabled hazard, so that a tick reads the archive once."""
    rules = [block.rule for block in config.hazards.values() if block.conduct.enabled]
    feeds = {name: block.feed for name, block in config.sources.items() if block.feed.enabled}
    trusted = sorted(feeds, key=lambda name: (feeds[name].priority, name))
    latency = feeds[trusted[0]].latency if trusted else timedelta(0)
    lag = -(-latency // timedelta(hours=1))
    return View(
        places=config.district.place_ids,
        quantities=tuple(dict.fromkeys(name for rule in rules for name in rule.quantities)),
        hours_back=max((rule.hours_back for rule in rules), default=1),
        hours_ahead=max((rule.hours_ahead for rule in rules), default=0) + lag,
        sources=(*trusted, DERIVED),
        latency=latency,
        freshness={name: feed.freshness for name, feed in feeds.items()},
    )
