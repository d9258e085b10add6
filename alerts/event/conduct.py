"""The keys every hazard block has beside those of its kind: its words and how its alerts behave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerts.duty.people import Advice, Part
from ingest.registry import Duration


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How alerts of one hazard are named and kept."""

    kind: str
    """Which registered hazard judges it."""
    name: str
    """Name in Chinese, as official titles write it (高温)."""
    name_en: str
    """Name in English."""
    measure: str
    """What the value is, in Chinese (最高气温)."""
    measure_en: str
    """What the value is, in English."""
    unit: str
    """Unit of the value."""
    source: Advice
    """Where the thresholds come from, for `fengsui hazards`."""
    dispatch: dict[str, Part]
    """Subsystem -> its role, the lowest level it hears of, and what it is asked to do at each level."""
    doubt: Advice | None = None
    """What about them could not be verified."""
    incident: str | None = None
    """Name of the chain of hazards that share an incident; a hazard without one stands alone."""
    incident_linger: Duration = timedelta(hours=24)
    """For so long after an alert of this hazard ended, one of its chain that opens joins its incident."""
    extend_before: Duration = timedelta(hours=6)
    """People are told of a longer duration this long before the end they know of."""
    tail: Duration = timedelta(0)
    """The all-clear comes no sooner than so long after the lowest level was last possible: floods and slides
    lag the rain. The larger of it and the `keep` of the lowest level counts."""
    life_safety: bool = False
    """True where silence kills: a change that nobody approves in time goes out, marked as unconfirmed."""
    blind_after: Duration = timedelta(hours=3)
    """Unjudgeable for longer than this, the operator is told that data is lost."""
    can_wait: bool = False
    """True where it comes slowly enough that a level below `quiet.pierced_by` may wait for the morning."""
    enabled: bool = True
    """False keeps the block but does not judge it."""
    shadow: bool = False
    """True judges it and keeps what it would have said, for `fengsui models` and `explain`; nothing is ever
    sent."""
    instead_of: str | None = None
    """Name of the hazard whose levels it gives, town by town, where its own chance is known; that hazard's
    rule goes on everywhere else, under its own name, words and dispatch."""

    @property
    def aside(self) -> bool:
        """Whether it raises no alert of its own: it is only watched, or lends another hazard its levels."""
        return self.shadow or self.instead_of is not None
