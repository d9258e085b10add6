"""Stand-ins that keep the real contracts, and builders of what the alerts package is given."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from simulators.small_district import small_district
from sqlalchemy import Engine, MetaData

from alerts.duty.people import Advice, Part, Person, Routes, Shift, Subsystem
from alerts.duty.people import Step as CallStep
from alerts.duty.routing import Notice
from alerts.event.conduct import Conduct
from alerts.event.lifecycle import Step, advance
from alerts.event.orders import Order
from alerts.event.state import State
from alerts.event.transition import Reason, Transition
from alerts.outgoing.delivery import Delivery, Means, Message, Taken
from alerts.outgoing.dispatch import Desk
from alerts.record import tables
from alerts.wording.texts import NEEDED, Texts
from ingest.database import create_tables, open_engine
from ingest.times import instant64
from pipeline.configuration.folder import default_folder
from rules.findings import Basis, Findings
from rules.ladder import Rising, Rung
from rules.level import Level

NONE, BLUE, YELLOW, ORANGE, RED = Level
AT = datetime(2022, 8, 9, 0, 5, tzinfo=UTC)
"""08:05 in Beijing, just after the day shift began."""
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DISTRICT = "500153"
TOWNS = ("a", "b", "c", "d")
TOLD_END = AT + 48 * HOUR
"""The end of every level, where a test does not say otherwise."""

Ladder = Mapping[Level, Rung]
LADDER: Ladder = {
    YELLOW: Rising(at_least=35.0, keep=6 * HOUR),
    ORANGE: Rising(at_least=37.0, keep=4 * HOUR),
    RED: Rising(at_least=40.0, keep=2 * HOUR),
}
AT_ONCE: Ladder = {level: replace(rung, keep=timedelta(0)) for level, rung in LADDER.items()}
"""The same without patience: every level is left as soon as it is impossible."""
CONDUCT = Conduct(
    kind="heat", name="高温", name_en="Heat", measure="日最高气温", measure_en="daily maximum",
    unit="°C", source=Advice(zh="自拟", en="our own"), dispatch={}, extend_before=6 * HOUR,
    blind_after=3 * HOUR,
)  # fmt: skip
_VALUES = (30.0, 34.0, 36.0, 38.0, 41.0)


def findings(
    floor: Sequence[Level],
    now: datetime = AT,
    *,
    reach: Sequence[Level] | None = None,
    ceiling: Sequence[Level] | None = None,
    expires: datetime = TOLD_END,
    **rows: Any,
) -> Findings:
    """The findings of one now for the first towns; all is known unless `reach` and `ceiling` say more."""
    low, high = np.array([floor], np.int8), np.array([floor if reach is None else reach], np.int8)
    top = high if ceiling is None else np.array([ceiling], np.int8)
    nowhere = np.full(low.shape, np.datetime64("NaT", "s"))
    made = Findings(
        hazard="heat",
        nows=np.array([instant64(now)]),
        places=TOWNS[: len(floor)],
        floor=low,
        reach=high,
        ceiling=top,
        value=np.array(_VALUES)[low],
        threshold=np.full(low.shape, np.nan),
        onset=np.where(low > 0, instant64(now), nowhere),
        expires=np.where(low > 0, instant64(expires), nowhere),
        basis=np.where(low > 0, Basis.FORECAST, Basis.NOTHING).astype(np.int8),
        age=np.zeros(low.shape),
        marks=np.zeros(low.shape, np.uint8),
        extra={},
    )
    return replace(made, **{name: _row(row) for name, row in rows.items()})


def _row(row: Any) -> Any:
    return {key: _row(each) for key, each in row.items()} if isinstance(row, dict) else np.array([row])


@dataclass
class Story:
    """The lifecycle of one hazard, told tick by tick in hours after `AT`."""

    towns: int = 3
    ladder: Ladder = field(default_factory=lambda: LADDER)
    conduct: Conduct = CONDUCT
    changes: list[Transition] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State.fresh("heat", DISTRICT, TOWNS[: self.towns])

    def at(self, hours: float, *floor: Level, **bounds: Any) -> Step:
        """Judge so many hours after `AT`; towns that are not named are calm."""
        now = AT + hours * HOUR
        full = (*floor, *[NONE] * (self.towns - len(floor)))
        return self.tick(findings(full, now, **bounds), now)

    def blind(self, hours: float) -> Step:
        """Judge where nothing is known of any town."""
        everything = [RED] * self.towns
        return self.at(hours, reach=everything, ceiling=everything)

    def tick(self, found: Findings, now: datetime, order: Order | None = None) -> Step:
        """Judge findings, with the order of a person where there is one."""
        step = advance(
            self.state, found, now, ladder=self.ladder, conduct=self.conduct, order=order
        )
        self.state = step.state
        self.changes += step.transitions
        return step

    @property
    def reasons(self) -> list[str]:
        """Reasons of all changes so far."""
        return [change.reason.value for change in self.changes]


def change(reason: Reason = Reason.OPENED, **parts: Any) -> Transition:
    """A change of a heat alert; red in two towns unless said otherwise."""
    made = Transition(
        id="x.1", alert="x", hazard="heat", at=AT, reason=reason, from_level=NONE, to_level=RED,
        places={"a": RED, "b": RED}, changed={"a": RED, "b": RED}, onset=AT, expires=TOLD_END,
        value=41.0, threshold=40.0, basis=2, marks=0, opened_at=AT, peak_level=RED,
        peak_value=41.0, figures={"hot_day_run": 3.0},
    )  # fmt: skip
    return replace(made, **parts)


DAY: dict[str, Any] = {"start": "08:00", "end": "20:00"}
NIGHT: dict[str, Any] = {"start": "20:00", "end": "08:00"}


def staffed(name: str, **parts: Any) -> Subsystem:
    """A subsystem with a day and a night shift of its own people."""
    shifts = [
        Shift(**hours, duty=(f"{name}_{word}",), deputy=(f"{name}_deputy_{word}",))
        for word, hours in (("day", DAY), ("night", NIGHT))
    ]
    return Subsystem(**{"name": name, "name_en": name, "rota": tuple(shifts), **parts})


SUBSYSTEMS = {
    "centre": staffed("centre", centre=True),
    "safety": staffed("safety"),
    "health": staffed("health"),
    "traffic": staffed("traffic"),
    "slides": staffed("slides"),
    "operations": staffed("operations", operator=True),
}
PARTS = {
    "safety": Part(role="lead", lowest=YELLOW, tasks={YELLOW: Advice(zh="轮换", en="take turns")}),
    "health": Part(role="support", lowest=ORANGE, tasks={RED: Advice(zh="出诊", en="visit")}),
    "traffic": Part(role="inform", lowest=YELLOW, tasks={}),
}
CALLS = (
    CallStep(who="duty", after=0 * MINUTE),
    CallStep(who="deputy", after=5 * MINUTE),
    CallStep(who="centre", after=10 * MINUTE),
)


def routes(**parts: Any) -> Routes:
    """Safety leads from yellow, health supports from orange, traffic is informed, slides has no part."""
    shifts = [shift for each in SUBSYSTEMS.values() for shift in each.rota]
    ids = [person for shift in shifts for person in shift.duty + shift.deputy]
    people = {each: Person(name=each, phone="13800000001", channels=("fake",)) for each in ids}
    whole: dict[str, Any] = {
        "people": people,
        "subsystems": SUBSYSTEMS,
        "matrix": {"heat": PARTS},
        "ladders": {RED: CALLS, ORANGE: CALLS[:2]},
    }
    return Routes(**(whole | parts))


def with_subsystem(name: str, subsystem: Subsystem) -> Routes:
    """The routes with one subsystem in another state."""
    return routes(subsystems=SUBSYSTEMS | {name: subsystem})


@cache
def memo_names() -> tuple[str, ...]:
    """Templates of memos in the configuration that comes with the program."""
    told = (default_folder() / "texts.yaml").read_text(encoding="utf-8")
    return tuple(re.findall(r"^(memo_\w+):", told, re.MULTILINE))


def texts() -> Texts:
    """Templates that name themselves, so that a test sees which were used with what."""
    plain = {name: {"zh": name, "en": name} for name in (*NEEDED, *memo_names())}
    shown = {name: {"zh": f"{{{{ {name} }}}}", "en": f"{{{{ {name} }}}}"} for name in ("task",)}
    link = {"acknowledge": {"zh": "{{ ack_link or '' }}", "en": "{{ ack_link or '' }}"}}
    district = small_district()
    return Texts(templates=plain | shown | link, district=district, conducts={"heat": CONDUCT})


def sign(change: Transition, notice: Notice, until: datetime) -> str:
    """A link that shows what it was made of."""
    return f"http://127.0.0.1/{change.id}/{notice.subsystem}/{notice.person}/{until:%H%M}"


def desk(own: Routes | None = None, language: str = "zh") -> Desk:
    """A desk that writes plain texts."""
    return Desk(
        routes=own or routes(), texts=texts(), language=language, sign=sign, valid=24 * HOUR
    )


def delivery(key: str = "k", **parts: Any) -> Delivery:
    """A row for the safety officer of the day."""
    made = Delivery(
        key=key, transition="x.1", alert="x", subsystem="safety", recipient="safety_day", step=0,
        channel="fake", text="高温", data={"level": "red"}, planned_at=AT, due_at=AT,
        expires_at=AT + 24 * HOUR, priority=0,
    )  # fmt: skip
    return replace(made, **parts)


@contextmanager
def database(folder: Path) -> Iterator[Engine]:
    """A database in a file, with the tables of the alerts."""
    file = folder / "fengsui.db"
    if not file.exists():
        file.write_bytes(empty(tables.metadata))
    engine = open_engine(f"sqlite:///{file}")
    try:
        yield engine
    finally:
        engine.dispose()


@cache
def empty(*schemas: MetaData) -> bytes:
    """A database file with tables and without rows, as `create_tables` makes it; made once a process."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fengsui.db"
        engine = open_engine(f"sqlite:///{file}")
        create_tables(engine, *schemas)
        engine.dispose()
        return file.read_bytes()


@dataclass
class RecordingChannel:
    """Keeps every message it takes; first raises each of `errors`, one a send."""

    errors: list[Exception] = field(default_factory=list)
    """What the next sends raise."""
    look: Callable[[Message], None] = lambda message: None
    """Called in the middle of every send."""
    taken: list[Message] = field(default_factory=list)
    """Messages in the order they were taken."""
    tries: int = 0
    """Number of sends, taken or not."""

    def send(self, message: Message, means: Means) -> Taken:
        """Take the message, or raise the next error."""
        self.tries += 1
        self.look(message)
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(message)
        return Taken(reference=f"ref-{message.key}", detail="taken")

    @property
    def keys(self) -> list[str]:
        """Keys of the messages taken."""
        return [message.key for message in self.taken]


@dataclass
class HangingChannel:
    """Answers nobody until it is released."""

    released: threading.Event = field(default_factory=threading.Event)
    """Set it, and every send under way is taken."""
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once a send, so that a test can wait for it to hang."""

    def send(self, message: Message, means: Means) -> Taken:
        """Hang, at most ten seconds."""
        self.waiting.release()
        self.released.wait(10)
        return Taken()


@cache
def shipped_texts() -> Texts:
    """The templates that come with the program, for a heat in the small district."""
    words = yaml.safe_load((Path(__file__).parents[1] / "config/texts.yaml").read_text("utf-8"))
    return Texts(templates=words, district=small_district(), conducts={"heat": CONDUCT})


def worded_desk(own: Routes | None = None, **parts: Any) -> Desk:
    """A desk that writes what really goes out."""
    return replace(desk(own), texts=shipped_texts(), **parts)
