"""Hazards of one chain share an incident, and whoever has it is not called for each of them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from fakes import (
    AT,
    AT_ONCE,
    CONDUCT,
    DISTRICT,
    HOUR,
    MINUTE,
    NONE,
    ORANGE,
    PARTS,
    RED,
    TOWNS,
    YELLOW,
    change,
    desk,
    findings,
    routes,
    texts,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from alerts.answers import calls
from alerts.duty.routing import must_answer, route
from alerts.event.incidents import Engaged, Page, engaged, in_order, share
from alerts.event.lifecycle import Step, advance
from alerts.event.memory import dump, load
from alerts.event.state import State
from alerts.event.transition import Reason, Transition
from alerts.record import store
from alerts.record.store import Acknowledgement
from rules.level import Level

CHAINED = replace(CONDUCT, incident="storm")
CONDUCTS = {"rain": CHAINED, "ponds": CHAINED, "slides": CHAINED, "gale": CONDUCT}
STORM = f"{DISTRICT}-storm-20220809T000500Z"
TOWN = TOWNS[:1]


class Weather:
    """Several hazards in one town, told tick by tick in hours after `AT`."""

    def __init__(self, conducts: Mapping = CONDUCTS, *, shared: bool = True):
        self.conducts, self.shared = conducts, shared
        self.states: dict[str, State] = {}
        self.changes: list[Transition] = []

    def at(self, hours: float, **levels: Level | None) -> dict[str, Transition]:
        """Judge every hazard; calm where it is not named, blind where it is None. Hazard -> change."""
        now = AT + hours * HOUR
        steps = {name: self.step(name, levels.get(name, NONE), now) for name in self.conducts}
        if self.shared:
            steps = share(steps, self.conducts, now)
        self.states = {name: step.state for name, step in steps.items()}
        made = in_order(steps.values())
        self.changes += made
        return {each.hazard: each for each in made}

    def step(self, name: str, level: Level | None, now: datetime) -> Step:
        """One hazard by itself."""
        unknown = {"reach": [RED], "ceiling": [RED]} if level is None else {}
        state = self.states.get(name) or State.fresh(name, DISTRICT, TOWN)
        found = replace(findings([level or NONE], now, **unknown), hazard=name)
        return advance(state, found, now, ladder=AT_ONCE, conduct=self.conducts[name])

    def restart(self) -> None:
        """Forget everything but what is kept."""
        kept = {name: json.loads(json.dumps(dump(state))) for name, state in self.states.items()}
        self.states = {name: load(state, TOWN) for name, state in kept.items()}


def test_hazards_that_open_together_share_an_incident():
    """Its name tells district, chain and moment."""
    made = Weather().at(0, rain=RED, ponds=ORANGE)
    assert {each.incident for each in made.values()} == {STORM}


def test_a_hazard_that_opens_later_joins():
    """As long as any of the chain is open, not only the one that began it."""
    weather = Weather()
    weather.at(0, rain=RED)
    weather.at(5, rain=RED, ponds=YELLOW)
    weather.at(6, ponds=YELLOW)
    assert weather.at(90, ponds=YELLOW, slides=ORANGE)["slides"].incident == STORM


@pytest.mark.parametrize(("hours", "joins"), [(23.9, True), (24, False), (99, False)])
@pytest.mark.parametrize("name", ["slides", "rain"])
def test_an_incident_lingers_after_its_last_end(hours: float, joins: bool, name: str):
    """A day unless configured otherwise, exactly; for another hazard and for the same one again."""
    weather = Weather()
    weather.at(0, rain=RED)
    weather.at(2)
    opened = weather.at(2 + hours, **{name: RED})[name]
    assert (opened.incident == STORM) is joins
    assert opened.incident.startswith(f"{DISTRICT}-storm-")


def test_how_long_it_lingers_is_that_of_the_hazard_that_ended():
    """Wet ground outlasts a wet road."""
    long = CONDUCTS | {"rain": replace(CHAINED, incident_linger=72 * HOUR)}
    weather = Weather(long)
    weather.at(0, rain=RED)
    weather.at(1)
    assert weather.at(72.9, slides=RED)["slides"].incident == STORM


def test_an_incident_that_was_joined_lives_on_from_there():
    """The end of the second counts, and the third joins although the first ended long ago."""
    weather = Weather()
    weather.at(0, rain=RED)
    weather.at(20, ponds=RED)
    weather.at(50)
    assert weather.at(60, slides=RED)["slides"].incident == STORM


def test_chains_are_told_apart():
    """A heat wave in the middle of a storm is another incident."""
    weather = Weather(CONDUCTS | {"heat": replace(CONDUCT, incident="dry_heat")})
    made = weather.at(0, rain=RED, heat=RED)
    assert {name: each.incident for name, each in made.items()} == {
        "rain": STORM, "heat": f"{DISTRICT}-dry_heat-20220809T000500Z",
    }  # fmt: skip
    assert not any(each.related for each in made.values())


def test_a_hazard_without_a_chain_stands_alone():
    """Its incident is its own alert, and it is related to nothing."""
    made = Weather().at(0, rain=RED, gale=RED)["gale"]
    assert (made.incident, made.related) == (made.alert, {})


def test_every_change_of_an_alert_carries_its_incident():
    """Until the end and with it."""
    weather = Weather()
    for hour, level in enumerate((YELLOW, RED, ORANGE, NONE)):
        weather.at(hour, rain=level)
    assert [each.reason.value for each in weather.changes] == ["opened", "raised", "lowered", "ended"]
    assert {each.incident for each in weather.changes} == {STORM}


def test_a_change_knows_the_others_of_its_incident():
    """Those that are open after the tick, the most severe first, and at their level of now."""
    weather = Weather()
    first = weather.at(0, rain=RED, ponds=ORANGE)
    assert first["rain"].related == {"ponds": ORANGE}
    assert first["ponds"].related == {"rain": RED}
    made = weather.at(1, ponds=RED, slides=ORANGE)
    assert list(made["slides"].related.items()) == [("ponds", RED)]
    assert made["rain"].reason is Reason.ENDED
    assert list(made["rain"].related.items()) == [("ponds", RED), ("slides", ORANGE)]


def test_the_most_severe_change_of_a_tick_is_told_first():
    """Then the name decides; what is over comes last."""
    weather = Weather()
    weather.at(0, gale=YELLOW)
    weather.at(1, rain=ORANGE, slides=RED, ponds=RED)
    assert [each.hazard for each in weather.changes[1:]] == ["ponds", "slides", "rain", "gale"]


def test_lost_data_without_an_alert_belongs_to_no_incident():
    """Under an open alert it belongs to that one's."""
    weather = Weather()
    for hour in (0, 4):
        weather.at(hour, ponds=None, rain=RED)
    lost = weather.changes[-1]
    assert (lost.reason, lost.incident, lost.related) == (Reason.DATA_LOST, lost.alert, {})
    for hour in (5, 9):
        weather.at(hour, rain=None)
    lost = weather.changes[-1]
    assert (lost.hazard, lost.reason, lost.incident) == ("rain", Reason.DATA_LOST, STORM)


@pytest.mark.parametrize("at", range(5))
def test_a_restart_keeps_incidents(at: int):
    """Whenever it comes, the changes are the same."""
    days = [{"rain": RED}, {"rain": RED, "ponds": RED}, {}, {"slides": RED}, {"rain": RED}]
    whole, halves = Weather(), Weather()
    for hour, levels in enumerate(days):
        whole.at(hour, **levels)
        if hour == at:
            halves.restart()
        halves.at(hour, **levels)
    assert halves.changes == whole.changes


def test_an_alert_from_before_there_were_incidents_joins_one():
    """An old state has neither; the next tick mends it without a word."""
    weather = Weather()
    weather.at(0, rain=RED)
    old = {k: v for k, v in dump(weather.states["rain"]).items() if k not in ("incident", "ended_at")}
    weather.states["rain"] = load(json.loads(json.dumps(old)), TOWN)
    assert weather.at(1, rain=RED) == {}
    assert weather.states["rain"].incident == f"{DISTRICT}-storm-20220809T010500Z"
    assert weather.at(2, rain=RED, ponds=RED)["ponds"].related == {"rain": RED}


level = st.sampled_from([NONE, YELLOW, ORANGE, RED, None])
ticks = st.lists(st.fixed_dictionaries(dict.fromkeys(CONDUCTS, level)), min_size=1, max_size=10)


@settings(max_examples=30)
@given(ticks, st.sampled_from([1, 7, 30]))
def test_an_incident_changes_nothing_a_hazard_decides(days: list[dict], pause: int):
    """With and without incidents every alert opens, moves and ends alike."""
    alone, together = Weather(shared=False), Weather()
    for number, levels in enumerate(days):
        alone.at(number * pause, **levels)
        together.at(number * pause, **levels)
    bare = [replace(each, incident="", related={}) for each in together.changes]
    assert bare == alone.changes


@settings(max_examples=30)
@given(ticks, st.sampled_from([1, 7, 30]))
def test_open_alerts_of_a_chain_are_always_one_incident(days: list[dict], pause: int):
    """Never two storms at once, and an alert never changes its incident."""
    weather = Weather()
    known: dict[str | None, str | None] = {}
    for number, levels in enumerate(days):
        weather.at(number * pause, **levels)
        chained = [s for n, s in weather.states.items() if s.alert and CONDUCTS[n].incident]
        assert len({state.incident for state in chained}) <= 1
        for state in chained:
            assert known.setdefault(state.alert, state.incident) == state.incident


# --- who is called again, and who is not ---------------------------------------------------------------

MATRIX = {
    "rain": PARTS,
    "ponds": PARTS,
    "slides": {"health": replace(PARTS["safety"]), "safety": replace(PARTS["health"], lowest=YELLOW)},
}
"""Safety leads rain and ponds and supports slides; health leads slides and supports the others."""
OWN = routes(matrix=MATRIX)
DESK = replace(desk(OWN), texts=replace(texts(), conducts=CONDUCTS))


def of(hazard: str, level: Level = RED, reason: Reason = Reason.OPENED, **parts) -> Transition:
    """A change of a hazard in the storm, where rain stands at red and the others at orange."""
    others = {"rain": RED, "ponds": ORANGE, "slides": ORANGE}
    whole = {
        "id": f"{hazard}.1", "alert": hazard, "hazard": hazard, "to_level": level, "incident": STORM,
        "related": {name: own for name, own in others.items() if name != hazard},
    }  # fmt: skip
    return change(reason, **(whole | parts))


def had(subsystem: str, hazard: str, own: Level, answered: bool) -> list[Engaged]:
    """That a subsystem was called for a hazard."""
    return [Engaged(subsystem=subsystem, hazard=hazard, level=own, answered=answered)]


@pytest.mark.parametrize(
    ("subsystem", "hazard", "earlier", "level", "answered", "called"),
    [
        ("health", "ponds", "rain", RED, False, False),
        ("health", "ponds", "rain", RED, True, False),
        ("health", "ponds", "rain", ORANGE, True, False),
        ("health", "ponds", "rain", YELLOW, True, True),
        ("safety", "ponds", "rain", RED, False, False),
        ("safety", "ponds", "rain", RED, True, False),
        ("safety", "ponds", "rain", YELLOW, True, True),
        ("health", "slides", "rain", RED, True, True),
        ("health", "slides", "rain", RED, False, True),
        ("health", "ponds", "slides", RED, True, False),
        ("safety", "slides", "rain", RED, False, False),
    ],
)
def test_who_has_the_incident_is_not_called_again(subsystem, hazard, earlier, level, answered, called):
    """For an equal or lower level; a lead is, unless it was called for a hazard that it leads too."""
    opened = of(hazard, ORANGE)
    notices = route(opened, OWN, AT, (), had(subsystem, earlier, level, answered))
    (notice,) = [each for each in notices if each.subsystem == subsystem]
    assert notice.told
    assert must_answer(opened, notice) is called
    assert ("in this incident" in notice.why) is not called


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        (False, "support from orange up; duty of health; already called for rain red in this incident"),
        (True, "support from orange up; duty of health; has acknowledged rain red in this incident"),
    ],
)
def test_the_record_says_why_nobody_called(answered: bool, why: str):
    """And names the change that did."""
    notices = route(of("ponds", ORANGE), OWN, AT, (), had("health", "rain", RED, answered))
    assert [each.why for each in notices if each.subsystem == "health"] == [why]


@pytest.mark.parametrize("reason", [r for r in Reason if r not in (Reason.OPENED, Reason.RAISED)])
def test_only_calls_are_spared(reason: Reason):
    """What asks for no answer is told as ever."""
    other = of("ponds", ORANGE, reason)
    busy = had("health", "rain", RED, answered=True)
    assert route(other, OWN, AT, (), busy) == route(other, OWN, AT)


def page(hazard: str, level: Level, **parts) -> Page:
    """A call of health."""
    whole = {
        "incident": STORM, "alert": hazard, "hazard": hazard, "subsystem": "health", "level": level,
        "begun_at": AT, "answered": False,
    }  # fmt: skip
    return Page(**(whole | parts))


@pytest.mark.parametrize(
    ("earlier", "levels"),
    [
        (page("rain", RED), [RED]),
        (page("rain", ORANGE), [ORANGE]),
        (page("ponds", RED), [ORANGE]),
        (page("slides", RED), []),
        (page("gale", RED), []),
        (page("rain", RED, incident="another"), []),
    ],
    ids=["stands", "called for less", "lowered since", "its own", "over", "another incident"],
)
def test_a_call_counts_for_the_level_at_which_its_alert_stands(earlier: Page, levels: list[Level]):
    """Who was called for a red that has been lowered since has stood down."""
    assert [one.level for one in engaged([earlier], of("slides", ORANGE))] == levels


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.OPENED, Reason.RAISED}))
def test_no_call_counts_for_a_change_that_calls_nobody(reason: Reason):
    """Nobody could be spared an answer that is not asked for."""
    assert engaged([page("rain", RED)], of("slides", ORANGE, reason)) == []


def announce(connection: Connection, made: Transition) -> dict[str, bool]:
    """Tell a change as a tick does; subsystem -> whether it must answer."""
    calls.replace_older(connection, made, made.at)
    busy = engaged(store.pages(connection, made), made)
    notices = route(made, OWN, made.at, store.warned(connection, made.alert), busy)
    calls.announce(connection, made, notices, DESK, made.at)
    return {each.subsystem: must_answer(made, each) for each in notices if each.told}


def answer(connection: Connection, alert: str) -> None:
    """Health and safety have an alert."""
    for subsystem in ("health", "safety"):
        word = Acknowledgement(alert=alert, subsystem=subsystem, by="Li", via="link", at=AT)
        store.acknowledge(connection, word)


def test_the_lesser_page_of_a_tick_is_spared(connection: Connection):
    """Everybody has words for the ponds; one call for both climbs its ladder until somebody answers."""
    assert announce(connection, of("rain")) == {"safety": True, "health": True, "traffic": False}
    told = announce(connection, of("ponds", ORANGE))
    assert told == {"safety": False, "health": False, "traffic": False}
    assert {one.alert for one in store.calls(connection)} == {"rain"}
    pages = calls.escalate(connection, DESK, AT + 5 * MINUTE)
    assert [(one.subsystem, one.step) for one in pages] == [("safety", 1), ("health", 1)]


def test_an_answer_as_a_supporter_is_none_as_the_lead(connection: Connection):
    """Health leads the slides and must act on them; safety, which supports there, is spared."""
    announce(connection, of("rain"))
    answer(connection, "rain")
    assert announce(connection, of("ponds", ORANGE, at=AT + HOUR))["safety"] is False
    assert announce(connection, of("slides", ORANGE, at=AT + HOUR)) == {"safety": False, "health": True}


def test_a_rise_above_what_was_called_for_calls_again(connection: Connection):
    """And then the greater call spares the lesser one's rise."""
    announce(connection, of("rain", ORANGE))
    answer(connection, "rain")
    red = of("ponds", RED, related={"rain": ORANGE}, at=AT + HOUR)
    assert announce(connection, red)["health"] is True
    answer(connection, "ponds")
    rise = of("rain", RED, Reason.RAISED, id="rain.2", related={"ponds": RED}, at=AT + 2 * HOUR)
    assert announce(connection, rise)["health"] is False


def test_a_rise_of_the_same_alert_calls_as_ever(connection: Connection):
    """Its own calls spare nobody, however often it comes and goes."""
    announce(connection, of("rain"))
    answer(connection, "rain")
    again = of("rain", RED, Reason.RAISED, id="rain.2", at=AT + HOUR)
    assert announce(connection, again)["health"] is True


def test_a_call_nobody_answered_to_the_end_spares_nobody(connection: Connection):
    """Its ladder has been climbed; nobody has said that they have it, and nobody is asked any more."""
    announce(connection, of("rain"))
    for _ in range(2):
        calls.escalate(connection, DESK, AT + HOUR)
    assert announce(connection, of("ponds", ORANGE, at=AT + HOUR))["health"] is True


@pytest.mark.parametrize("reason", [Reason.LOWERED, Reason.ENDED])
def test_a_call_that_was_overtaken_spares_nobody(connection: Connection, reason: Reason):
    """It was closed without an answer, and what is related stands no higher."""
    announce(connection, of("rain"))
    announce(connection, of("rain", NONE, reason, id="rain.2", at=AT + MINUTE))
    assert announce(connection, of("ponds", ORANGE, at=AT + MINUTE))["health"] is True


def test_an_alert_that_ended_spares_nobody_when_its_hazard_opens_again(connection: Connection):
    """The answer was to the alert that is over."""
    announce(connection, of("rain"))
    answer(connection, "rain")
    announce(connection, of("rain", NONE, Reason.ENDED, id="rain.2", at=AT + HOUR))
    assert store.pages(connection, of("ponds", RED, at=AT + 2 * HOUR)) == []


def test_the_spared_get_their_words_without_a_link(connection: Connection):
    """The task is that of the hazard; nothing asks for an answer."""
    busy = had("health", "rain", RED, answered=True)
    notices = [n for n in route(of("ponds"), OWN, AT, (), busy) if n.subsystem == "health"]
    calls.announce(connection, of("ponds"), notices, DESK, AT)
    assert store.calls(connection) == []
    assert notices[0].task == {"zh": "出诊", "en": "visit"}


def test_an_incident_of_a_hazard_at_rest_goes_on_in_another():
    """A replay does not step hazards at rest; what opens soon after they ended joins them all the same."""
    weather = Weather()
    weather.at(0, rain=RED)
    weather.at(2)
    now = AT + 3 * HOUR
    steps = {"slides": weather.step("slides", RED, now)}
    made = share(steps, weather.conducts, now, {"rain": weather.states["rain"]})
    assert list(made) == ["slides"]
    assert made["slides"].transitions[0].incident == STORM
