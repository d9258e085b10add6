"""What the robots of chat groups share: mentions, what fits, what an answer means, one post a group."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode, urlsplit

from alerts.gateways.endings import Ending
from alerts.outgoing.delivery import Means, Message, Purpose, Taken
from alerts.outgoing.post import Answer, judge
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret

Mention = Literal["never", "asked", "always"]
"""When the recipient is mentioned: never, where an acknowledgement is asked for, or always."""
MINUTE = timedelta(minutes=1)
JSON = {"content-type": "application/json; charset=utf-8", "user-agent": "fengsui"}
"""Header fields of every post."""
EXERCISE = "【演练】"
"""Mark of a drill; the desk sets it, and a heading without it gets it here."""
_REMEMBERED = timedelta(days=1)
# They refuse who we are or where we post, so no other message passes either.
_OURS = frozenset({401, 403, 404, 410})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one documented code means."""

    ending: Ending
    """How it ends."""
    remedy: str
    """What happened and what to do, without secrets."""
    pause: timedelta | None = None
    """How long to leave the gateway alone."""

    def error(self, what: str) -> DeliveryError:
        """The error for an answer told in the words `what`."""
        return self.ending.error(f"{what}: {self.remedy}", self.pause)


def retry(remedy: str, pause: timedelta | None = None) -> Verdict:
    """Another attempt can help, after a pause."""
    return Verdict(ending=Ending.RETRY, remedy=remedy, pause=pause)


def final(remedy: str) -> Verdict:
    """Another channel must be used for this message."""
    return Verdict(ending=Ending.FINAL, remedy=remedy)


def fail_over(remedy: str) -> Verdict:
    """Another channel must be used for everybody, and the operator must hear of it."""
    return Verdict(ending=Ending.FAIL_OVER, remedy=remedy)


def admit(answer: Answer, now: datetime) -> None:
    """Raise unless the status is 2xx, by `alerts.outgoing.post.judge`.

    Statuses that refuse the key or the address are faults of the gateway as a whole; a 429 that
    names no pause asks for a minute.
    """
    try:
        judge(answer, now=now)
    except DeliveryError as error:
        pause = error.retry_after or (MINUTE if answer.status == 429 else None)
        gateway = answer.status in _OURS
        raise DeliveryError(
            str(error), retry=error.retry, retry_after=pause, gateway=gateway
        ) from None


def judge_code(
    answer: Answer, keys: tuple[str, ...], codes: Mapping[int, Verdict], now: datetime
) -> None:
    """Raise unless the status is 2xx and the first of `keys` in the body is the number 0.

    A documented code counts whatever the status; one that is not documented may be tried again.
    The words beside the code are not repeated: they may hold an address or a part of the text.
    """
    said = read_object(answer)
    code = next((said[key] for key in keys if key in said), None)
    known = codes.get(code) if type(code) is int else None
    if known is not None:
        raise known.error(f"the robot answered {answer.status} with {keys[0]} {code}")
    admit(answer, now)
    if type(code) is not int or code != 0:
        shown = code if type(code) is int else "missing"
        raise DeliveryError(
            f"the robot answered {answer.status}, but {keys[0]} is {shown} in place of 0; "
            "look it up in its manual",
            retry=True,
        )


def read_object(answer: Answer) -> Mapping[str, object]:
    """The JSON object of an answer; empty where it is none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def write_json(body: object) -> bytes:
    """The body as JSON in UTF-8; DeliveryError without retry where it holds what JSON cannot say."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (TypeError, ValueError):
        text = "the facts of the message cannot be written as JSON; report this as a defect"
        raise DeliveryError(text, retry=False) from None


def require_address(url: str) -> None:
    """ValueError unless `url` is http or https and names a host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url must begin with http:// or https:// and name a host")


def with_query(url: str, **parameters: str) -> str:
    """The address with further parameters, percent-encoded."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


@dataclass(frozen=True, kw_only=True)
class Robot(ABC):
    """What robots of chat groups share: their address, whom they mention, how often they tell a change."""

    token: Secret
    """What the robot's address ends in, as the group shows it."""
    url: str = field(default="", repr=False)
    """Where to post, without the token."""
    mention: Mention = "asked"
    """When the recipient is mentioned."""
    group: bool = False
    """True tells the group a change once per subsystem and step, however many people there hear of it."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        require_address(self.url)

    def send(self, message: Message, means: Means) -> Taken:
        """Post once; DeliveryError by status and code, as the `CODES` of the robot say."""
        if not self.group:
            return self.post(message, means)
        return once_per_group(message, means, self.deadline, lambda: self.post(message, means))

    @abstractmethod
    def post(self, message: Message, means: Means) -> Taken:
        """Post the message, whoever heard of it before."""


def is_mentioned(rule: Mention, message: Message) -> bool:
    """Whether the recipient is mentioned by `rule`."""
    return rule == "always" or (rule == "asked" and message.link is not None)


def heading(message: Message) -> str:
    """The title in one line, with the mark of a drill wherever it belongs to one."""
    title = " ".join(message.title.split())
    if message.exercise is None or "演练" in title or "EXERCISE" in title.upper():
        return title
    return f"{EXERCISE}{title}"


def starts_with_heading(message: Message) -> bool:
    """Whether the words begin with their title, so that it need not stand above them again."""
    return message.text.startswith(heading(message))


def cut(text: str, most: int, link: str | None) -> str:
    """At most `most` bytes of UTF-8, cut between characters; a cut ends with …… and the link to the rest.

    The link itself is never cut in two. `most` must leave room for it.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode()
    tail = f"……\n{link}" if link else "……"
    end = max(0, most - len(tail.encode()))
    severed = raw.find(link.encode()) if link else -1
    if link and 0 <= severed < end < severed + len(link.encode()):
        end = severed
    return raw[:end].decode("utf-8", "ignore") + tail


class _Turn:
    """What became of the post to one group; whoever holds the lock may post."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.lock = threading.Lock()
        self.taken: Taken | None = None


class _Posted:
    """The posts of one channel to its group during the last day."""

    def __init__(self) -> None:
        self._turns: dict[tuple[object, ...], _Turn] = {}

    def turn(self, group: tuple[object, ...], at: datetime) -> _Turn:
        """The turn of a group's post; those older than a day are forgotten."""
        old = [key for key, turn in self._turns.items() if at - turn.at > _REMEMBERED]
        for key in old:
            del self._turns[key]
        return self._turns.setdefault(group, _Turn(at))

    def close(self) -> None:
        """Forget everything."""
        self._turns.clear()


def once_per_group(
    message: Message, means: Means, deadline: timedelta, post: Callable[[], Taken]
) -> Taken:
    """Post unless the group was told the same for a colleague within a day; then that word is repeated.

    The same is: a change of an alert by transition, subsystem and step; anything else word for
    word, unless it holds a link of the person's own. Colleagues wait for the first post, which
    mentions its own recipient and holds that one's link, and try themselves where it failed. The
    memory is the process's own, kept among the channel's sessions: after a restart, or where an
    answer was lost on the way, a group can be told twice, never not at all. DeliveryError with
    ``retry=True`` where the first post takes longer than `deadline`.
    """
    group = _group(message)
    if group is None:
        return post()
    with means.sessions.borrow(("posted", message.channel), _Posted) as posted:
        turn = posted.turn(group, message.at)
    if not turn.lock.acquire(timeout=deadline.total_seconds()):
        raise DeliveryError("the post to the group is still under way", retry=True)
    try:
        if turn.taken is None:
            turn.taken = post()
            return turn.taken
        return Taken(reference=turn.taken.reference, detail="the group was told with a colleague")
    finally:
        turn.lock.release()


def _group(message: Message) -> tuple[object, ...] | None:
    """What makes two messages the same for a group; None for what is one person's own."""
    about = message.data.get("transition") or message.data.get("subject")
    step = message.data.get("step", 0)
    if message.purpose is Purpose.ALERT and about:
        return message.purpose, about, message.subsystem, step
    if message.link is not None:
        return None
    return message.purpose, about, message.subsystem, step, message.text
