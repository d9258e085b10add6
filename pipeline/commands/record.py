"""`fengsui audit verify` and `fengsui audit export`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from alerts.record.audit import KINDS
from alerts.record.verify import export, verify
from ingest.database import open_engine, reading
from pipeline.settings import Settings, require_data


def run_verify(settings: Settings, anchor: str | None, *, as_json: bool) -> int:
    """Examine the record and print what does not fit; 0 where all does, else 1."""
    require_data(settings)
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            found = verify(connection, anchor)
    finally:
        engine.dispose()
    if as_json:
        facts = asdict(found) | {"whole": found.whole}
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        for fault in found.faults:
            click.echo(f"✗ {fault}")
        verdict = "✓ 记录完整 whole" if found.whole else "记录被改动 changed"
        click.echo(f"{verdict}：{found.links}环 links，{found.rows}行 rows，链首 head {found.head}")
    return 0 if found.whole else 1


def run_export(settings: Settings, target: Path) -> None:
    """Write the record as JSON lines: first the columns of every kind, then one link a line."""
    require_data(settings)
    engine = open_engine(settings.database)
    columns = {kind: [column.name for column in sort.columns] for kind, sort in KINDS.items()}
    try:
        with reading(engine) as connection, click.open_file(str(target), "w", "utf-8") as stream:
            stream.write(json.dumps({"columns": columns}) + "\n")
            for link in export(connection):
                stream.write(json.dumps(link, ensure_ascii=False) + "\n")
    finally:
        engine.dispose()
