"""Channels whose send is one POST: asked what to post, and then what the answer means.

Between the two nobody need wait: one thread can have the requests of many messages under way.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from alerts.outgoing.answer import Answer
from alerts.outgoing.delivery import Channel, Means, Message, Taken
from alerts.outgoing.wire import Request


@runtime_checkable
class Posting(Channel, Protocol):
    """A channel that posts once a message; its `send` is `post_once`."""

    def request(self, message: Message, means: Means) -> Request:
        """What to post; DeliveryError where that cannot be said. Sends nothing itself."""
        ...

    def taken(self, answer: Answer, message: Message) -> Taken:
        """What an answer means; DeliveryError where the message was not taken."""
        ...


def post_once(channel: Posting, message: Message, means: Means) -> Taken:
    """Post a message and wait for the answer; raises what the channel, or the way to it, has to say."""
    wanted = channel.request(message, means)
    answer = means.post.send(wanted.url, wanted.body, wanted.headers, deadline=wanted.deadline)
    return channel.taken(answer, message)
