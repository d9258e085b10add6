"""A process that starts, ticks once on the archive of a data folder, and says when it was done."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path


def main(folder: Path, now: datetime) -> None:
    """Tick at `now` and write the monotonic clock, which all processes of a machine share."""
    from bench.weather import played

    from pipeline.settings import Settings
    from pipeline.tick import tick
    from pipeline.wiring import build

    settings = Settings(config=folder, data=folder, database=f"sqlite:///{folder}/fengsui.db")
    ports = build(played(), settings)
    tick(now, ports)
    sys.stdout.write(f"{time.monotonic()}\n")
    ports.close()


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
