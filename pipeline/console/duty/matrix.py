"""The matrix 1+N: which subsystem does what about which hazard, from which level on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from alerts.duty.people import Part, Role
from alerts.record import store
from pipeline.config import Config
from pipeline.console.duty.shapes import Called, LevelKey, subsystem
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a subsystem is asked to do at a level."""

    level: LevelKey
    """The level."""
    zh: str
    """In Chinese."""
    en: str
    """In English."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The part of one subsystem in one hazard."""

    subsystem: str
    """Id of the subsystem."""
    role: Role
    """Whether it leads, supports or is informed."""
    lowest: LevelKey
    """Lowest level it hears of."""
    tasks: tuple[Task, ...]
    """What it is asked to do, from its lowest level up; a level without one takes the next lower."""

    def task(self, level: Level) -> Task | None:
        """What is asked at just this level; None where the level has no words of its own."""
        return next((task for task in self.tasks if task.level == level), None)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One hazard."""

    hazard: Called
    """Which."""
    levels: tuple[LevelKey, ...]
    """Levels it can have, lowest first."""
    in_force: LevelKey
    """Level of the district now; none where no alert is open."""
    cells: tuple[Cell, ...]
    """Parts, in the order of the subsystems; who has none is left out."""

    def cell(self, name: str) -> Cell | None:
        """The part of a subsystem; None where it has none."""
        return next((cell for cell in self.cells if cell.subsystem == name), None)

    @property
    def by_role(self) -> list[Cell]:
        """Parts, lead first and those who are only informed last."""
        order = ("lead", "support", "inform")
        return sorted(self.cells, key=lambda cell: order.index(cell.role))


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Hazards by subsystems."""

    subsystems: tuple[Called, ...]
    """Columns: the command centre and the N."""
    rows: tuple[Row, ...]
    """One a hazard."""

    def row(self, hazard: str) -> Row | None:
        """The row of a hazard; None where there is no such hazard."""
        return next((row for row in self.rows if row.hazard.id == hazard), None)

    @property
    def first(self) -> Row:
        """The row to look at first: the hazard with the highest level now."""
        return max(self.rows, key=lambda row: row.in_force)


def matrix(connection: Connection, config: Config) -> Matrix:
    """The matrix as the configuration has it, with the levels that are in force."""
    states = store.states(connection, config.district.place_ids)
    now = {name: state.top for name, state in states.items()}
    rows = []
    for name, block in config.hazards.items():
        conduct = block.conduct
        parts = config.routes.matrix.get(name, {})
        cells = [_cell(one, parts[one]) for one in config.routes.subsystems if one in parts]
        rows.append(
            Row(
                hazard=Called(id=name, name=conduct.name, name_en=conduct.name_en),
                levels=tuple(sorted(block.rule.ladder)),
                in_force=now.get(name, Level.NONE),
                cells=tuple(cells),
            )
        )
    columns = tuple(subsystem(name, config.routes) for name in config.routes.subsystems)
    return Matrix(subsystems=columns, rows=tuple(rows))


def _cell(name: str, part: Part) -> Cell:
    tasks = [Task(level=level, zh=one.zh, en=one.en) for level, one in sorted(part.tasks.items())]
    return Cell(subsystem=name, role=part.role, lowest=part.lowest, tasks=tuple(tasks))
