"""Promotion as a whole: an archive with a summer in it, what really happened, and the command itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from alerts.record import tables, verdicts, versions
from alerts.record.verdicts import Damage, Verdict
from alerts.record.verify import verify
from ingest import archive
from ingest.archive import Archive
from ingest.batch import Batch
from ingest.database import create_tables, open_engine, reading, writing
from pipeline.cli import main
from pipeline.config import load
from pipeline.learn.kinds import KINDS
from pipeline.settings import Settings, read_settings
from pipeline.view import LEARNED
from rules.learned import store
from rules.learned.heat_features import UNITS
from rules.learned.manifest import Feature, Home, Manifest
from rules.level import Level

pytest.importorskip("sklearn")
pytest.importorskip("skops")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = datetime(2025, 5, 31, 16, tzinfo=UTC)
DAYS = 85
HOT = np.arange(DAYS) % 7 < 2
"""Two hot days in a row, every week of the summer, and the last day alone."""
SEEN = np.where(np.arange(DAYS) % 14 < 7, HOT, ~HOT & (np.arange(DAYS) % 7 == 4))
"""What a poor rule or chance sees: every other spell, and in the other weeks a day that was not hot."""
SHADOW = "hazards/heat_chance.yaml"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A configuration, a data folder, and the way to give it commands."""

    settings: Settings

    def fengsui(self, *words: str) -> Result:
        """Run a command on it."""
        places = ["--config", str(self.settings.config), "--data", str(self.settings.data)]
        return CliRunner().invoke(main, [*places, *words])

    def promote(self) -> Result:
        """Ask for the promotion of heat, on the evidence of the summer."""
        until = (MIDNIGHT + (DAYS - 1) * DAY).isoformat()
        span = ["--from", MIDNIGHT.isoformat(), "--to", until]
        said = ["--by", "command_centre_duty_a", "--why", "去年夏天更早更准"]
        return self.fengsui("models", "promote", "heat_chance", *said, *span)

    @property
    def shadow(self) -> str:
        """The text of the block that watches."""
        return (self.settings.config / SHADOW).read_text("utf-8")

    def version(self) -> versions.Version | None:
        """The last configuration of the record."""
        engine = open_engine(self.settings.database)
        try:
            with reading(engine) as connection:
                assert verify(connection).whole
                return versions.newest(connection)
        finally:
            engine.dispose()


def hours_of(highest: float) -> np.ndarray:
    """A day (hour,) from midnight in Beijing on, warmest at 16."""
    return highest - 5.0 + 5.0 * np.cos((np.arange(1, 25) - 16) / 24 * 2 * np.pi)


def batches(places: tuple[str, ...], rule: np.ndarray, chance: np.ndarray) -> Iterator[Batch]:
    """What a source and a model say of today and tomorrow, each morning at six."""
    for day in range(DAYS):
        ahead = [day, min(day + 1, DAYS - 1)]
        warm = np.concatenate([hours_of(38.0 if rule[one] else 33.0) for one in ahead])
        share = np.array([0.8 if chance[one] else 0.1 for one in ahead])
        chances = {"chance_tmax_37": share, "chance_tmax_40": share * 0.1}
        yield morning("open_meteo", day, places, {"temperature_2m": warm})
        yield morning(LEARNED, day, places, chances)


def morning(source: str, day: int, places: tuple[str, ...], values: dict[str, np.ndarray]) -> Batch:
    """The same for every town: values of the two days from a midnight on, hours or days."""
    began = MIDNIGHT + day * DAY
    hours = 48 // len(next(iter(values.values())))
    ends = np.arange(hours, 49, hours) * np.timedelta64(1, "h")
    return Batch(
        source=source, kind="forecast", issued_at=began + 6 * HOUR, available_at=began + 6 * HOUR,
        places=places, valid_at=np.datetime64(began.replace(tzinfo=None), "s") + ends,
        values={name: np.tile(row, (len(places), 1)) for name, row in values.items()},
    )  # fmt: skip


def happened(folder: Path) -> tuple[Damage, Verdict]:
    """Hot days: most in the catalogue, two told by a damage report and by a verdict on an alert."""
    *listed, reported, judged = [MIDNIGHT + int(day) * DAY + 14 * HOUR for day in np.flatnonzero(HOT)]
    events = [
        {"id": f"{at:%m-%d}", "hazard": "heat", "onset": at.isoformat(), "level": "orange", "source": "试"}
        for at in listed
    ]
    (folder / "events/heat.yaml").write_text(yaml.safe_dump({"events": events}), "utf-8")
    report = Damage(
        hazard="heat", onset=reported, what="中暑多人", source="镇", by="甲", at=reported, level=Level.ORANGE
    )
    verdict = Verdict(
        alert="heat-1", hazard="heat", judged="too_late", onset=judged, within=timedelta(0), places=(),
        level=Level.ORANGE, by="甲", why="晚了", at=judged,
    )  # fmt: skip
    return report, verdict


def put_model(folder: Path, home: Home) -> None:
    """A model of the district's own; its chances are in the archive already."""
    manifest = Manifest(
        name="heat", hazard="heat", targets=KINDS["heat"].gives, trained_to=date(2025, 4, 30),
        features=tuple(Feature(name=n, unit=u, low=-1e9, high=1e9) for n, u in UNITS.items()),
        data="made up", data_hash="0" * 64, libraries={}, seed=1, calibrated_for=home,
        intended_use_zh="试", intended_use_en="try", limits_zh="试", limits_en="try",
    )  # fmt: skip
    store.save({"numbers": np.zeros(3)}, manifest, folder / "models")


def filled(folder: Path, rule: np.ndarray, chance: np.ndarray, home: Home = "rongchang") -> Instance:
    """An instance that went through the summer with heat and its shadow alone."""
    done = CliRunner().invoke(main, ["init", str(folder / "config")])
    assert done.exit_code == 0, done.output
    data = folder / "data"
    data.mkdir()
    settings = read_settings(config=folder / "config", data=data)
    for path in (settings.config / "hazards").glob("*.yaml"):
        if not path.name.startswith("heat"):
            path.unlink()
    put_model(data, home)
    engine = open_engine(settings.database)
    try:
        create_tables(engine, archive.metadata, tables.metadata)
        with writing(engine) as connection:
            report, verdict = happened(settings.config)
            verdicts.report(connection, report)
            verdicts.judge(connection, verdict)
            places = load(settings.config).district.place_ids
            Archive().append(connection, batches(places, rule, chance))
    finally:
        engine.dispose()
    return Instance(settings=settings)


def test_a_chance_that_was_worth_more_here_is_promoted_by_a_person_with_a_reason(tmp_path):
    """The shadow is taken away, every other character stays, and the record has it sealed."""
    instance = filled(tmp_path, rule=SEEN, chance=HOT)
    before = instance.shadow
    done = instance.promote()
    assert done.exit_code == 0, done.output
    assert instance.shadow == before.replace("shadow: true", "shadow: false")
    assert not load(instance.settings.config).aside["heat_chance"].conduct.shadow
    kept = instance.version()
    assert kept is not None
    assert "去年夏天更早更准" in kept.reason
    assert "25 on which it happened" in kept.reason


def test_a_chance_that_ranks_worse_is_refused_with_the_figures(tmp_path):
    """The rule saw every spell and the chance every other one: nothing is changed, nothing is recorded."""
    instance = filled(tmp_path, rule=HOT, chance=SEEN)
    before = instance.shadow
    done = instance.promote()
    assert done.exit_code == 1
    assert "was not surely worth more than heat here" in done.output
    assert "saving -0." in done.output
    assert (instance.shadow, instance.version()) == (before, None)


def test_a_model_of_elsewhere_that_nobody_could_prove_here_stays_advisory(tmp_path):
    """Its summer is too long ago to say that its chances came true."""
    instance = filled(tmp_path, rule=SEEN, chance=HOT, home="elsewhere")
    done = instance.promote()
    assert done.exit_code == 1
    assert "its chances are not proven here" in done.output
    assert "shadow: true" in instance.shadow
