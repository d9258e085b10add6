"""What a reader must know before believing the figures of a verification."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from alerts.duty.people import Advice
from pipeline.verify.bootstrap import FEW
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.result import Verification

_BLIND = 0.05


def notes(
    found: Verification, occurrences: Sequence[Occurrence], wanted: Collection[str]
) -> Iterator[Advice]:
    """One sentence for each reason to doubt the figures; `wanted` are the hazards that were scored."""
    few = [name for name, score in found.hazards.items() if 0 < len(score.stories) < FEW]
    if few:
        counts = ", ".join(f"{name} n = {len(found.hazards[name].stories)}" for name in few)
        yield Advice(
            zh=f"事件很少（{counts}）：请看区间，不要只看数值",
            en=f"few events ({counts}): read the intervals, never the bare figures",
        )
    unknown = [name for name, score in found.hazards.items() if not score.judged]
    if unknown:
        names = ", ".join(unknown)
        yield Advice(
            zh=f"目录中没有这些灾害的事件，无法评判：{names}",
            en=f"the catalogue holds no event of {names}: their warnings cannot be judged",
        )
    without = [
        name for name, score in found.hazards.items() if score.judged and not score.stories
    ]
    if without:
        names = ", ".join(without)
        yield Advice(
            zh=f"这些灾害在时段内没有事件，其预警均按空报计：{names}",
            en=f"no event of {names} lies in the period: each of their warnings counts as false",
        )
    outside = [
        one.id for one in occurrences
        if one.hazard in wanted and one.happened and not found.start <= one.onset <= found.end
    ]  # fmt: skip
    if outside:
        yield Advice(
            zh=f"{len(outside)}个事件不在时段内，未计入",
            en=f"{len(outside)} events lie outside the period and were left out",
        )
    doubtful = sum(story.occurrence.certainty == "doubtful" for story in found.stories)
    if doubtful:
        yield Advice(
            zh=f"{doubtful}个事件存疑；加 --certain 可不计",
            en=f"{doubtful} of the events are doubtful; --certain leaves them out",
        )
    blind = [
        name for name, time in found.load.blind.items() if time > _BLIND * (found.end - found.start)
    ]
    if blind:
        yield Advice(
            zh=f"这些灾害有5%以上的时间无法判断：{', '.join(blind)}",
            en=f"could not be judged for more than 5 % of the time: {', '.join(blind)}",
        )
