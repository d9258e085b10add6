"""The studio of one console: its queue, the pasts it has measured, and the ladders tried on them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from fastapi import Request

from ingest.database import reading
from ingest.errors import FengsuiError, UnknownName
from pipeline.config import HazardBlock
from pipeline.console.house import House, InHouse
from pipeline.console.studio.asked import Asked, read_asked
from pipeline.console.studio.ladders import Ladder, Turned
from pipeline.console.studio.studying import Order, Studied, without_doors
from pipeline.console.studio.trials import Ground, Outcome
from pipeline.console.studio.weather import resolution
from pipeline.console.studio.workroom import Job, Workroom
from pipeline.tune.sweep import Swept
from pipeline.verify.bootstrap import exact
from pipeline.verify.catalogue import Occurrence, occurrences
from pipeline.verify.terms import load_terms

TRIALS = 256
"""Trials whose patch can be asked for by their id; the oldest is forgotten."""


class Studio:
    """Replays in the background, and ladders tried on what they measured."""

    def __init__(self, house: House) -> None:
        """Nothing is replayed yet."""
        self.house = house
        self.room = Workroom()
        self._lock = threading.Lock()
        self._grounds: OrderedDict[tuple[str, str], Ground] = OrderedDict()
        self._trials: OrderedDict[str, tuple[Outcome, str]] = OrderedDict()

    def replay(self, asked: Asked, by: str) -> Job:
        """Put a replay in the queue; Full where too many wait."""
        job = Job(self._order(asked), by)
        job.ready = lambda: self._warm(job)
        return self.room.ask(job)

    def read(self, event: str, span: tuple[str, str], hazards: Sequence[str]) -> Asked:
        """Check what somebody wants replayed."""
        return read_asked(self.house.ports.config, event, *span, hazards)

    def job(self, name: str, *, measuring: bool = False) -> Job:
        """A replay by its id, with `measuring` also what reads a past anew; UnknownName where it is gone."""
        found = self.room.find(name)
        if found is None or (found.order.blocks and not measuring):
            raise UnknownName(
                "没有这次回放，可能已过期：请重新回放 / there is no such replay any more; run it again"
            )
        return found

    def studied(self, name: str) -> Studied:
        """What a replay found; UnknownName where it is not there, or not yet."""
        found = self.job(name).studied
        if found is None:
            raise UnknownName("这次回放还没有结果 / this replay has no result yet")
        return found

    def swept(self, name: str, hazard: str) -> Swept:
        """The metrics of one hazard of a replay; UnknownName lists those that were judged."""
        measured = {one.hazard: one for one in self.studied(name).swept}
        if hazard not in measured:
            asked, there = hazard[:40], ", ".join(measured) or "none"
            raise UnknownName(f"这次回放没有研判“{asked}” / {asked!r} was not judged; there are: {there}")
        return measured[hazard]

    def ground(self, name: str, hazard: str) -> Ground:
        """Where ladders of one hazard are tried on one replay."""
        with self._lock:
            if (name, hazard) not in self._grounds:
                self._grounds[name, hazard] = self._laid(name, hazard)
                gone = [key for key in self._grounds if self.room.find(key[0]) is None]
                for key in gone:
                    del self._grounds[key]
            return self._grounds[name, hazard]

    def attempt(self, name: str, hazard: str, turned: Turned, by: str) -> Outcome | Job:
        """Try a ladder; where it measures what nobody has measured yet, the job that does so."""
        ground = self.ground(name, hazard)
        block = ground.ladder.made(ground.ladder.values(turned))
        if not ground.knows(block):
            return self._measuring(name, ground, block, by)
        outcome = ground.try_(turned)
        with self._lock:
            self._trials[outcome.id] = outcome, name
            self._trials.move_to_end(outcome.id)
            while len(self._trials) > TRIALS:
                self._trials.popitem(last=False)
        return outcome

    def trial(self, name: str) -> tuple[Outcome, str]:
        """A trial by its id, and the replay it was tried on; UnknownName where it is forgotten."""
        found = self._trials.get(name)
        if found is None:
            raise UnknownName(
                "没有这次试验，可能已过期：请再试一次 / there is no such trial any more; try it again"
            )
        return found

    def stale(self, ground: Ground) -> bool:
        """Whether the file of a hazard was changed since the start: a replay knows nothing of it."""
        return ground.ladder.today.rule != self.house.ports.config.hazards[ground.ladder.hazard].rule

    def _measuring(self, name: str, ground: Ground, block: HazardBlock, by: str) -> Job:
        def take(found: tuple[Swept, ...]) -> None:
            for swept in found:
                ground.add(swept)

        asked = self.job(name).order.asked
        return self.room.ask(Job(self._order(asked, (block,)), by, then=take))

    def _order(self, asked: Asked, blocks: tuple[HazardBlock, ...] = ()) -> Order:
        ports = self.house.ports
        return Order(
            asked=asked,
            config=without_doors(ports.config),
            baseline=ports.baseline,
            url=ports.engine.url.render_as_string(hide_password=False),
            blocks=blocks,
        )

    def _laid(self, name: str, hazard: str) -> Ground:
        studied, swept = self.studied(name), self.swept(name, hazard)
        config = self.house.ports.config
        step = resolution(swept, config.hazards[hazard])
        span: tuple[datetime, datetime] = (studied.replay.start, studied.replay.end)
        windows = load_terms(config.folder).windows_of(hazard)
        ladder = Ladder.of(config.folder, hazard, step)
        return Ground(name, ladder, swept, span, config, (windows, self._events))

    def _events(self) -> tuple[Occurrence, ...]:
        """What happened: the catalogue, damage reports and verdicts of this instance."""
        ports = self.house.ports
        with reading(ports.engine) as connection:
            return occurrences(ports.config, connection)

    def _warm(self, job: Job) -> None:
        """Lay the grounds before anybody drags: the first trial then is as quick as the others."""
        exact(1, 2)
        for swept in job.studied.swept if job.studied else ():
            # A file that somebody is just editing is told of where a ladder is tried.
            with suppress(FengsuiError):
                self.ground(job.id, swept.hazard).try_({})


async def studio_of(request: Request, house: InHouse) -> Studio:
    """The studio of the console a request came to; made with the first that asks."""
    # In the event loop, which does one thing at a time: no two are made.
    state = request.app.state
    if not hasattr(state, "studio"):
        state.studio = Studio(house)
    found: Studio = state.studio
    return found
