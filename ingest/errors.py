"""Every error of the project, under one base; the message is the remedy."""

from __future__ import annotations

from datetime import timedelta


class FengsuiError(Exception):
    """Something went wrong that a person can mend; the message says how."""


class ConfigMistake(FengsuiError):
    """The configuration is wrong; start-up stops with a sentence naming file, line and remedy."""


class UnknownName(FengsuiError):
    """A name was asked for that nothing carries; the message lists those that exist."""


class StoreError(FengsuiError):
    """The data folder cannot be used: read-only, full, or locked by another instance."""


class SourceError(FengsuiError):
    """A source could not be read; handled by the pull job, which tries again at its next turn.

    Parameters
    ----------
    message : str
        One sentence for the operator.
    retry_after : timedelta or None
        How long the source asked to be left alone; None where it did not say.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadPayload(SourceError):
    """A source answered, but not with weather: wrong units, broken JSON, impossible times."""


class DeliveryError(FengsuiError):
    """A channel did not take a message; handled by the outbox.

    Parameters
    ----------
    message : str
        One sentence without secrets, kept in the delivery row.
    retry : bool
        False where another attempt cannot help (refused address, revoked key).
    retry_after : timedelta or None
        The pause the receiver asked for.
    gateway : bool
        True where the gateway as a whole is at fault (account empty, template not approved, key revoked):
        no other message will pass it either, and its operator must mend it.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: bool,
        retry_after: timedelta | None = None,
        gateway: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry = retry
        self.retry_after = retry_after
        self.gateway = gateway
