"""What the warnings asked of people, and what they were worth to the subsystems, as a page tells it."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.config import Config
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import hazard_name, person_name, subsystem_name
from pipeline.verify.load import Load
from pipeline.verify.value import Worth

MOST_PEOPLE = 15
"""Rows of the table of people."""


def worth(found: Iterable[Worth], config: Config, tongue: Tongue) -> list[tuple[str, ...]]:
    """Subsystem, hazard, cost/loss, level from which to act, value there; the most valuable first."""
    ranked = sorted(found, key=lambda one: -(one.value[one.best] if one.best else -1.0))
    return [
        (
            subsystem_name(one.subsystem, config, tongue),
            hazard_name(one.hazard, config, tongue),
            tongue.number(one.ratio),
            tongue.level(one.best) if one.best else tongue.say("不值得", "not worth it"),
            tongue.number(one.value[one.best] if one.best else None),
        )
        for one in ranked
    ]


def said(load: Load, config: Config, tongue: Tongue) -> list[str]:
    """The load of the officers in sentences."""
    a_month, by_night = tongue.number(load.per_month, 1), tongue.number(load.night_per_month, 1)
    told = [tongue.say(
        f"共{load.pages}人次，每月{a_month}；夜间{load.night}，每月{by_night}。",
        f"{load.pages} messages to people, {a_month} a month; {load.night} at night, {by_night} a month.",
    )]  # fmt: skip
    loud = [one for one in load.chatterers if one.sort == "hazard"][:3]
    shares = [f"{hazard_name(one.name, config, tongue)} {tongue.percent(one.share)}" for one in loud]
    if shares:
        names = tongue.say("、", ", ").join(shares)
        told.append(tongue.say(f"话最多的灾种：{names}。", f"Most talkative hazards: {names}."))
    blind = sorted(load.blind.items(), key=lambda item: -item[1])
    times = [f"{hazard_name(name, config, tongue)} {tongue.span(time)}" for name, time in blind]
    if times:
        names = tongue.say("、", ", ").join(times)
        told.append(tongue.say(f"有镇街无法判断的时间：{names}。", f"Time with a town unknown: {names}."))
    return told


def people(load: Load, config: Config) -> list[tuple[str, ...]]:
    """Person, messages, calls, night, woken, busiest ten minutes."""
    return [
        (
            person_name(one.person, config),
            *map(str, (one.pages, one.calls, one.night, one.woken, one.busiest)),
        )
        for one in load.people[:MOST_PEOPLE]
    ]
