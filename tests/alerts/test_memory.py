"""A state survives a restart, and a change of the towns."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from fakes import AT, HOUR, NONE, ORANGE, RED, TOWNS, Story

from alerts.event.lifecycle import Still
from alerts.event.memory import dump, load
from alerts.event.state import State


def lived() -> State:
    """A state in which every field says something."""
    story = Story()
    story.at(0, RED, ORANGE)
    story.at(1, RED, reach=[RED, RED, RED], ceiling=[RED, RED, RED])
    return replace(story.state, blind_alert="500153-heat-blind-20220809T000500Z")


def again(state: State, places: tuple[str, ...] | None = None) -> State:
    """The state after a restart."""
    return load(json.loads(json.dumps(dump(state))), places or state.places)


@pytest.mark.parametrize("name", [item.name for item in fields(State)])
@pytest.mark.parametrize("state", [lived(), State.fresh("heat", "500153", TOWNS)], ids=["lived", "fresh"])
def test_every_field_comes_back(state: State, name: str):
    """Equal in value and in type, NaT and None included."""
    before, after = getattr(state, name), getattr(again(state), name)
    np.testing.assert_equal(after, before)
    assert type(after) is type(before)
    assert getattr(after, "dtype", None) == getattr(before, "dtype", None)


def test_a_new_town_begins_calm():
    """The others keep their levels, in whatever order they now stand."""
    state = again(lived(), ("d", "b", "a"))
    assert state.places == ("d", "b", "a")
    assert state.level.tolist() == [NONE, ORANGE, RED]
    assert np.isnat(state.clear_since[0]).all()


def test_a_town_that_is_gone_is_forgotten():
    """Its level leaves with it; the alert goes on in the others."""
    story = Story(towns=1)
    story.state = again(lived(), ("b",))
    assert story.at(2, ORANGE, reach=[ORANGE]).still is Still.STANDS
    assert story.state.opened_at == AT
    assert story.state.blind_since in (None, AT + HOUR)
