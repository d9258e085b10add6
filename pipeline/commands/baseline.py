"""`fengsui baseline`."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from ingest.climate import ARCHIVE, Climate, cost, fetch_climate, read_climate_csv
from ingest.database import writing
from ingest.http import HttpClient
from pipeline.climate import BACK, FILE, fetch_past, fill
from pipeline.config import Config, load
from pipeline.daemon import wall_clock
from pipeline.derive import derive
from pipeline.settings import Settings
from pipeline.wiring import build, prepare_folder
from rules.baseline import Baseline, fit_baseline

PERIOD = (1991, 2020)
"""The climate period that is fetched unless another is asked for."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What was asked for."""

    years: str | None
    """Calendar years, such as ``1991-2020``; None for `PERIOD`, or for all of a file."""
    csv: Path | None
    """Daily record to read; None to fetch."""
    fill: bool
    """Fill the past of the archive instead of fitting."""
    alpha: float
    """Decay a day of the weighted antecedent rain [1]."""
    archive: str | None
    """Address of the archive; None for the public one."""
    as_json: bool
    """Print JSON."""


def run_baseline(settings: Settings, chosen: Chosen) -> None:
    """Fit the baseline and keep it, or fill the past of the archive."""
    years = _years(chosen.years)
    if not 0.0 < chosen.alpha < 1.0:
        raise click.BadParameter("write a number between 0 and 1", param_hint="--alpha")
    config = load(settings.config)
    if chosen.fill:
        _fill(config, settings, chosen)
    else:
        _fit(config, settings, chosen, years)


def _fit(
    config: Config, settings: Settings, chosen: Chosen, years: tuple[int, int] | None
) -> None:
    prepare_folder(settings.data)
    record = _record(config, chosen, years)
    found = fit_baseline(
        record, record.days[0], record.places, source=record.source, alpha=chosen.alpha
    )
    path = settings.data / FILE
    found.save(path)
    facts = {"file": str(path), **_facts(found, config)}
    if chosen.as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _print(facts)


def _record(config: Config, chosen: Chosen, years: tuple[int, int] | None) -> Climate:
    towns = config.district.towns
    if chosen.csv is not None:
        record = read_climate_csv(chosen.csv, towns)
        return record if years is None else _cut(record, *years)
    first, last = years or PERIOD
    price = cost(towns, first, last)
    click.echo(
        f"正在获取ERA5逐日资料，约{max(price.wait.total_seconds() / 60, 1):.0f}分钟 / fetching ERA5:"
        f" {price.questions} calls that count as {price.calls:.0f}",
        err=True,
    )
    with HttpClient() as http:
        return fetch_climate(towns, first, last, http, base_url=chosen.archive or ARCHIVE)


def _cut(record: Climate, first: int, last: int) -> Climate:
    """The years of a record, and the five months before them that fill the first windows."""
    begin, end = np.datetime64(f"{first - 1}-08-01", "D"), np.datetime64(f"{last}-12-31", "D")
    inside = (record.days >= begin) & (record.days <= end)
    series = {name: values[:, inside] for name, values in record.items()}
    if not inside.any():
        raise click.BadParameter(f"{record.source} has no day of them", param_hint="--years")
    return Climate(
        places=record.places, days=record.days[inside], series=series, source=record.source
    )


def _fill(config: Config, settings: Settings, chosen: Chosen) -> None:
    ports = build(config, settings)
    try:
        now = wall_clock()
        if chosen.csv is not None:
            past = read_climate_csv(chosen.csv, config.district.towns)
        else:
            past = fetch_past(config, now, ports.http, archive=chosen.archive or ARCHIVE)
        with writing(ports.engine) as connection:
            filled = fill(connection, now, ports, past, measured=chosen.csv is not None)
            derive(connection, now, ports)
    finally:
        ports.close()
    if chosen.as_json:
        click.echo(json.dumps(asdict(filled) | {"source": past.source}, default=str, indent=2))
        return
    click.echo(
        f"{filled.first}至{filled.last}：新增{filled.fresh}天，缺雨量{filled.missing}天，干旱指数"
        f"{filled.index_days}天 / days filled, without rain, with a drought index；{past.source}"
    )
    if ports.baseline is None:
        click.echo("尚无气候基准，先运行 / there is no baseline yet, run: fengsui baseline")


def _years(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4})-(\d{4})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise click.BadParameter("write two years, such as 1991-2020", param_hint="--years")
    return int(found[1]), int(found[2])


def _facts(found: Baseline, config: Config) -> dict[str, Any]:
    towns = [
        {
            "code": place,
            "name": config.district.town(place).name,
            "ti_critical": _number(found.ti_critical[row]),
            "ari7_p95": _number(found.ari7_p95[row]),
        }
        for row, place in enumerate(found.places)
    ]
    return {
        "first_year": found.first_year,
        "last_year": found.last_year,
        "source": found.source,
        "alpha": found.alpha,
        "towns": towns,
    }


def _number(value: float) -> float | None:
    """A figure for people and JSON; None where there is none."""
    return None if math.isnan(value) else round(float(value), 1)


def _print(facts: dict[str, Any]) -> None:
    click.echo(f"基准期 period   {facts['first_year']}-{facts['last_year']}，{facts['source']}")
    click.echo(f"文件 file       {facts['file']}")
    click.echo("镇街 town       炎热临界值 critical TI   前期雨量95%分位 ARI7 p95 [mm]")
    for town in facts["towns"]:
        critical, rain = (
            "-" if town[name] is None else f"{town[name]:.1f}" for name in ("ti_critical", "ari7_p95")
        )
        click.echo(f"{town['name']:<8} {critical:>12} {rain:>22}")
    click.echo(
        f"下一步 / next: fengsui baseline --fill（补齐最近{BACK}天 / fills the last {BACK} days），"
        "再重启 / then restart fengsui run"
    )
