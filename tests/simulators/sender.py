"""A program that forks an outbox on demand, to be killed: ``sender.py FOLDER URL LANE``.

Each line on its input starts one. It tells the process id, and when that has ended its wait status.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alerts.channels.webhook import Webhook
from alerts.duty.people import Person, Routes
from alerts.outgoing.delivery import Means
from alerts.outgoing.outbox import Outbox
from alerts.outgoing.post import Post
from ingest.database import open_engine
from ingest.secret import Secret

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
MOMENT = datetime(2022, 8, 15, 6, 5, tzinfo=UTC)


def send_all(folder: Path, url: str, lane: int) -> None:
    """Send everything that is due, as the daemon does after a restart."""
    officer = Person(name="值班员", phone="13800000001", channels=("hook",))
    outbox = Outbox(
        engine=open_engine(f"sqlite:///{folder / 'fengsui.db'}"),
        channels={"hook": Webhook(url=url, secret=Secret(env="KEY"))},
        routes=Routes(people={"officer": officer}, subsystems={}, matrix={}, ladders={}),
        means=Means(post=Post(), folder=folder, reveal=lambda _: KEY),
        retry=(timedelta(seconds=1),) * 9,
        lane=lane,
    )
    outbox.recover()
    while (due := outbox.next_due()) is not None:
        outbox.work(max(due, MOMENT))
    outbox.close()


def main() -> None:
    """Fork a sender for every line."""
    folder, url, lane = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            send_all(folder, url, lane)
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitpid(pid, 0)[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
