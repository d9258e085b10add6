"""The officers of the demonstration: some answer at once, some not at all, always over real HTTP."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from alerts.outgoing.post import Post
from pipeline.demo.subsystem import Call, Receiver, acknowledge, report
from pipeline.work import Job

# The duty officer of one subsystem sleeps, and in another the deputy does too: without them nobody would
# see a call climb its ladder.
SILENT_STEPS = {"education": 1, "flood_control": 2}
_PAUSE = timedelta(minutes=1)
# What they tell is invented, and says so.
_FACTS = {
    "kind": "facts", "commander": "演示指挥员", "affected": "演示：影响情况核实中", "moved": "演示：无人转移",
}  # fmt: skip
_CLOSING = {"kind": "closing", "affected": "演示：无灾情", "moved": "演示：无人转移"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An acknowledgement an officer has sent."""

    subsystem: str
    """Id of the subsystem."""
    name: str
    """Who answered."""
    after: timedelta
    """How long after the message."""
    accepted: bool
    """Whether the page took it."""


def _asked(told: Call) -> list[Call]:
    """What a message asks for: a digest may ask for several answers, a closing report for a form of its own.

    Other memos ask for nothing that the officers of a demonstration would do.
    """
    asks = told.data.get("asks")
    if isinstance(asks, list):
        return [
            replace(told, data={**told.data, **ask, "ack_link": ask["link"], "step": 0}) for ask in asks
        ]
    if told.data.get("purpose") == "closing":
        return [replace(told, data={**told.data, "transition": told.data["subject"], "step": 0})]
    return [told] if "transition" in told.data else []


class Officers:
    """Reads what the receiver took, and answers calls after a minute or more.

    What was answered is kept in a file, so that a demonstration that is killed goes on where it stood. Levels
    in `asking` ask for facts, which are told with the answer.
    """

    def __init__(
        self,
        receiver: Receiver,
        post: Post,
        folder: Path,
        console: str,
        asking: Collection[str] = (),
    ) -> None:
        self._receiver = receiver
        self._asking = asking
        self._post = post
        self._file = folder / "answered.txt"
        self._console = console
        self._answered = set(self._read())
        self._queue: dict[str, tuple[datetime, Call]] = {}
        self._seen = 0

    def job(self) -> Job:
        """The officers as a job beside those of the daemon."""
        return Job(name="officers", run=self.act, due=self.due, every=timedelta(seconds=1))

    def due(self, now: datetime) -> datetime | None:
        """When the next officer answers."""
        self._collect()
        return min((moment for moment, _ in self._queue.values()), default=None)

    def act(self, now: datetime) -> list[Answer]:
        """Send the answers that are due."""
        self._collect()
        ready = sorted(
            (moment, key) for key, (moment, _) in self._queue.items() if moment <= now
        )
        answers = []
        for moment, key in ready:
            _, call = self._queue.pop(key)
            answers.append(self._answer(call, moment - call.at))
            self._remember(key)
        return answers

    def _collect(self) -> None:
        calls = self._receiver.calls()
        for call in (one for told in calls[self._seen :] for one in _asked(told)):
            key = f"{call.data['transition']}/{call.data['subsystem']}/{call.data.get('purpose', '')}"
            wakes = SILENT_STEPS.get(str(call.data["subsystem"]), 0)
            asked = call.data.get("ack_link") and not call.repeat
            if asked and key not in self._answered and int(call.data["step"]) >= wakes:
                pause = _PAUSE * (1 + len(str(call.data["subsystem"])) % 4)
                self._queue.setdefault(key, (call.at + pause, call))
        self._seen = len(calls)

    def _answer(self, call: Call, after: timedelta) -> Answer:
        # The address of the page may have changed since the message went out, if the demonstration was
        # started anew; the token has not.
        link = self._console + urlsplit(str(call.data["ack_link"])).path
        name = str(call.data["recipient"])
        closing = call.data.get("purpose") == "closing"
        page = report(link, _CLOSING, self._post) if closing else acknowledge(link, name, self._post)
        if not closing and call.data["to"] in self._asking and page.status == 200:
            report(link, _FACTS, self._post)
        return Answer(
            subsystem=str(call.data["subsystem"]),
            name=name,
            after=after,
            accepted=page.status == 200,
        )

    def _read(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").split() if self._file.exists() else []

    def _remember(self, key: str) -> None:
        self._answered.add(key)
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(key + "\n")
