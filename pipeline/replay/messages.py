"""The messages of a replay, put into words only when somebody reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from alerts.duty.routing import Notice
from alerts.event.transition import Transition
from alerts.outgoing import dispatch
from alerts.outgoing.delivery import Delivery
from alerts.outgoing.dispatch import Desk


class Messages(Collection[Delivery]):
    """What would have gone out, by time. How many they are is known before a word of them is written."""

    def __init__(self, desk: Desk) -> None:
        """None so far; `desk` will write them."""
        self._desk = desk
        self._told: list[tuple[Transition, list[Notice]]] = []

    def add(self, change: Transition, notices: Iterable[Notice]) -> None:
        """Tell of a change, at the moment it was made."""
        self._told.append((change, [notice for notice in notices if notice.told]))

    def __len__(self) -> int:
        people = self._desk.routes.people
        reached = (notice.person for _, told in self._told for notice in told)
        return sum(len(people[person].channels) for person in reached if person is not None)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._written)

    def __contains__(self, message: object) -> bool:
        return message in self._written

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and self._written == tuple(other)

    @cached_property
    def _written(self) -> tuple[Delivery, ...]:
        return tuple(
            row
            for change, told in self._told
            for row in dispatch.deliveries(change, told, self._desk, change.at)
        )
