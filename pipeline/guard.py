"""The guard looks every minute whether a part of Fengsui is sick, and tells the operators by another road."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.record import ledger, troubles, watching
from alerts.record.troubles import Symptom, Trouble
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline import ring
from pipeline.health import silent_sources, tick_problems
from pipeline.learn import belt
from pipeline.ports import Ports

EVERY = timedelta(minutes=1)
JOB = "guard"
STUCK = timedelta(minutes=10)
"""A message that waits for so long past its time shows that nothing is sent any more."""
DRIFT = timedelta(seconds=60)
"""The machine's clock may move by so much against its own monotonic clock between two looks."""

Drift = Callable[[], timedelta]
"""How far the machine's clock has moved since the last look, beyond the time that passed."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What is watched, on which clock."""

    ports: Ports
    """The instance."""
    drift: Drift = timedelta
    """See `Drift`; without a real clock there is none."""

    def look(self, now: datetime) -> tuple[Trouble, ...]:
        """Look once; everything that is sick now, in one commit with the messages about it."""
        found = self._rung(now)
        with writing(self.ports.engine) as connection:
            found |= dict(self._symptoms(connection, now))
            sick = troubles.observe(connection, self.ports.desk, found, now)
            names = ", ".join(one.name for one in sick) or "all is well"
            ledger.record_run(connection, ledger.Run(job=JOB, at=now, outcome="ok", detail=names))
        return sick

    def _rung(self, now: datetime) -> dict[str, Symptom]:
        """Let the ring go round where it is due; tell the address outside where the last one came back."""
        every = self.ports.config.service.ring
        if every is None:
            return {}
        with reading(self.ports.engine) as connection:
            last = ledger.last_run(connection, ring.JOB)
            lacking = ring.unreturned(connection, self.ports, now)
        found = {
            f"canary {channel}": Symptom(
                text=f"渠道{channel}的自检信息未返回 / the canary of {channel} did not come back: {what}",
                avoid=frozenset({channel}),
            )
            for channel, what in lacking.items()
        }
        if last is not None and now - last.at < every:
            return found | self._still(last)
        try:
            ring.ring(now, self.ports)
        except FengsuiError as error:
            self._note(now, str(error))
            return found | {"ring": Symptom(text=f"自检未通过 / the self-test failed: {error}")}
        wrong = None if found else ring.beat(now, self.ports)
        if wrong is not None:
            self._note(now, wrong, outcome="beat")
            found["beat"] = _beat(wrong)
        return found

    def _still(self, last: ledger.Run) -> dict[str, Symptom]:
        """What the last round found stands until the next."""
        if last.outcome == "beat":
            return {"beat": _beat(last.detail)}
        if last.outcome == "failed":
            return {"ring": Symptom(text=f"自检未通过 / the self-test failed: {last.detail}")}
        return {}

    def _note(self, now: datetime, detail: str, outcome: str = "failed") -> None:
        with writing(self.ports.engine) as connection:
            run = ledger.Run(job=ring.JOB, at=now, outcome=outcome, detail=detail)
            ledger.record_run(connection, run)

    def _symptoms(
        self, connection: Connection, now: datetime
    ) -> Iterator[tuple[str, Symptom]]:
        for name, words in silent_sources(connection, self.ports.config, now).items():
            yield f"source {name}", Symptom(text=words)
        last = ledger.last_tick(connection)
        if last is not None:
            for words in tick_problems(last.at, self.ports.config, now):
                yield "tick", Symptom(text=words)
        for channel, (since, what) in self.ports.outbox.sick.items():
            words = f"渠道{channel}自{since:%m-%dT%H:%MZ}起不通 / no message passes {channel}: {what}"
            yield f"channel {channel}", Symptom(text=words, avoid=frozenset({channel}))
        yield from self._stuck(connection, now)
        yield from belt.symptoms(connection, self.ports.config, now)
        apart = self.drift()
        if abs(apart) > DRIFT:
            words = (
                f"本机时钟跳变{apart.total_seconds():.0f}秒，请检查时间服务 / the machine's clock jumped;"
                " check its time service"
            )
            yield "clock", Symptom(text=words)

    def _stuck(self, connection: Connection, now: datetime) -> Iterator[tuple[str, Symptom]]:
        for channel, since in watching.waiting(connection, now - STUCK).items():
            words = (
                f"渠道{channel}有信息自{since:%m-%dT%H:%MZ}起未发出 / messages wait on {channel} since then"
            )
            yield f"queue {channel}", Symptom(text=words, avoid=frozenset({channel}))


def _beat(wrong: str) -> Symptom:
    return Symptom(text=f"外部心跳未送达 / the heartbeat outside failed: {wrong}")


def due(now: datetime, ports: Ports) -> datetime:
    """A minute after the last look; at once where there was none."""
    with reading(ports.engine) as connection:
        last = ledger.last_run(connection, JOB)
    return now if last is None else last.at + EVERY
