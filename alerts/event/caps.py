"""What an order of a person does to a lifecycle: the level is capped for a while, or upheld. Pure.

A cap only ever lowers. It is gone when the data have not reached above it for as long as an alert above it
would have been kept, when its time is over, or when somebody lifts it; and it breaks as soon as a level rises
that was not certain yet when it was set, because the person did not judge that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from alerts.event import stands
from alerts.event.orders import Kind, Order
from alerts.event.state import Cap, State
from alerts.event.transition import Reason
from ingest.times import instant64
from rules.findings import Levels
from rules.ladder import Rung
from rules.level import Level

BROKEN = "更正后等级继续升高，更正失效 / rose above what was certain when it was corrected"
"""Note of the change by which a cap broke."""
RAN_OUT = "更正到期，恢复按数据判定 / the correction ran out, the rules decide again"
"""Note of the change that followed when its time was over."""
LIFTED = "更正已取消，恢复按数据判定 / the correction was lifted, the rules decide again"
"""Note of the change that followed when it was lifted."""


def concerns(order: Order, state: State) -> bool:
    """Whether an order still means something: its alert is open, or it lifts a cap."""
    if order.kind is Kind.LIFT:
        return state.cap is not None or state.stand is not None
    return state.alert is not None and order.alert == state.alert


def obey(state: State, order: Order) -> State:
    """The state with the cap an order sets or lifts; what is told of it is decided afterwards.

    A level that stays as it is caps nothing: only the words are corrected.
    """
    if order.kind is Kind.LIFT:
        return replace(state, cap=None, stand=None)
    if order.kind in (Kind.RAISE, Kind.HOLD):
        return stands.obey(state, order)
    if order.level >= state.top:
        return state
    seen = Level(max(0, int(state.sure.max(initial=0))))
    cap = Cap(level=order.level, seen=seen, until=order.until, by=order.by, why=order.why)
    return replace(state, cap=cap, stand=None)


def limit(
    state: State, raw: State, now: datetime, ladder: Mapping[Level, Rung]
) -> tuple[State, str]:
    """The state under its cap, and what is to be noted where the cap ended.

    `raw` is the state with the levels that the rules alone give now; `state` the one before, as far as its
    clocks were set.
    """
    cap = state.cap
    if cap is None:
        return raw, ""
    if raw.top > max(cap.seen, cap.level):
        return replace(raw, cap=None), BROKEN
    if now >= cap.until:
        return replace(raw, cap=None), RAN_OUT
    if _over(state, cap.level, now, ladder):
        return replace(raw, cap=None), ""
    level: Levels = np.minimum(raw.level, np.int8(cap.level))
    if bool((level == state.level).all()):
        return state, ""
    return replace(state, level=level), ""


def _over(state: State, level: Level, now: datetime, ladder: Mapping[Level, Rung]) -> bool:
    """Whether no town would have kept an alert above the level until now."""
    clear = instant64(now) - state.clear_since
    above = [(own, np.timedelta64(rung.keep)) for own, rung in ladder.items() if own > level]
    return all(bool((clear[:, own] >= keep).all()) for own, keep in above)


def said(order: Order | None, note: str) -> str:
    """What a change notes of orders: the words of who gave one, and how a cap ended."""
    if order is None:
        return note
    if order.kind is Kind.LIFT:
        return f"{LIFTED}（{order.by}）"
    return f"{order.note}；{note}" if note else order.note


def ordered(order: Order, reason: Reason | None, state: State, note: str) -> Reason | None:
    """The reason that is told, where an order was taken and the levels by themselves give `reason`.

    `state` is the one after, `note` what `limit` told. A rise is told as a rise, whatever was ordered, and
    calls people; an order that came too late to count is not told.
    """
    if order.kind in (Kind.LIFT, Kind.HOLD) or note or reason in (Reason.OPENED, Reason.RAISED):
        return reason
    if state.top:
        return Reason.CORRECTED
    return Reason.CANCELLED if order.kind is Kind.CANCEL else Reason.ENDED
