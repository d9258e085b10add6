"""A secret is named in configuration, kept in a file or the environment, and never printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Where a secret is kept; exactly one of the two. What it says is read only by `pipeline.settings`."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """Path of a file; relative paths count from the configuration folder."""

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret needs exactly one of env and file")

    @property
    def where(self) -> str:
        """The place in words, safe to print."""
        return f"environment variable {self.env}" if self.env else f"file {self.file}"
