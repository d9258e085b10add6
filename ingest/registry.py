"""One file, one block: a decorator that makes a frozen dataclass a kind that configuration can name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import BeforeValidator, ConfigDict

from ingest.errors import ConfigMistake, UnknownName

T = TypeVar("T")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: object) -> timedelta:
    """Read ``90s``, ``10m``, ``6h`` or ``1d``; anything else is refused with ValueError."""
    if isinstance(text, timedelta):
        return text
    found = re.fullmatch(r"(\d+)([smhd])", text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("write a duration as a whole number and s, m, h or d, such as 10m or 6h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
"""A length of time, written ``90s``, ``10m``, ``6h`` or ``1d``."""


class Registry(Generic[T]):
    """The kinds of one sort of plug-in, by name.

    Parameters
    ----------
    sort : str
        What is registered, in the words of the configuration: ``source``, ``hazard``, ``channel``.
    """

    def __init__(self, sort: str) -> None:
        self.sort = sort
        self._kinds: dict[str, type[T]] = {}

    def __call__(self, kind: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated dataclass under `kind`; a taken name raises ConfigMistake."""

        def register(cls: type[T]) -> type[T]:
            if kind in self._kinds:
                other = self._kinds[kind].__module__
                raise ConfigMistake(
                    f"the {self.sort} kind {kind!r} of {cls.__module__} is taken by {other}; rename one"
                )
            cls.__pydantic_config__ = ConfigDict(  # type: ignore[attr-defined]
                extra="forbid", strict=True, arbitrary_types_allowed=True
            )
            self._kinds[kind] = cls
            return cls

        return register

    def __getitem__(self, kind: str) -> type[T]:
        """The class of a kind; UnknownName listing the kinds where there is none."""
        try:
            return self._kinds[kind]
        except KeyError:
            raise UnknownName(
                f"no {self.sort} is of the kind {kind!r}; there are {', '.join(self.kinds)}"
            ) from None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of all registered kinds."""
        return tuple(sorted(self._kinds))
