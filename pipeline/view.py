"""Which part of the archive the hazards of a configuration read together."""

from __future__ import annotations

from datetime import timedelta

from ingest.block import View
from pipeline.config import Config
from rules.hazard import Reach
from rules.hazards.chance import PREFIX

DERIVED = "derived"
"""Name under which derived quantities are archived."""
LEARNED = "learned"
"""Name under which the chances of models that learned are archived."""
# What was foretold of a derived quantity stands until the next daily run, and some hours more.
_DERIVED_DAILY = timedelta(hours=36)


def view_of(config: Config) -> View:
    """One view wide enough for every enabled hazard, so that a tick reads the archive once."""
    blocks = (*config.hazards.values(), *config.aside.values())
    rules = [block.rule for block in blocks if block.conduct.enabled]
    feeds = {name: block.feed for name, block in config.sources.items() if block.feed.enabled}
    trusted = sorted(feeds, key=lambda name: (feeds[name].priority, name))
    latency = feeds[trusted[0]].latency if trusted else timedelta(0)
    lag = -(-latency // timedelta(hours=1))
    quantities = tuple(dict.fromkeys(name for rule in rules for name in rule.quantities))
    made = (DERIVED, LEARNED) if any(name.startswith(PREFIX) for name in quantities) else (DERIVED,)
    reaches = [rule.reach for rule in rules] or [Reach()]
    return View(
        places=config.district.place_ids,
        quantities=quantities,
        hours_back=max(reach.hours_back for reach in reaches),
        hours_ahead=max(reach.hours_ahead for reach in reaches) + lag,
        days_back=max(reach.days_back for reach in reaches),
        days_ahead=max(reach.days_ahead for reach in reaches),
        sources=(*trusted, *made),
        remembering=made,
        latency=latency,
        freshness={name: feed.freshness for name, feed in feeds.items()}
        | dict.fromkeys(made, _DERIVED_DAILY),
    )
