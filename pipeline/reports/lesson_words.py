"""Names that the report of a model gives to tests and figures of merit, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]
TESTS: Mapping[str, Words] = {
    "season": ("最后一季，训练时没见过", "the last season, not shown in training"),
    "left_out_places.with_past": ("没训练过的地方，有历史", "places left out, past remembered"),
    "left_out_places.without_past": ("没训练过的地方，完全没有历史", "places left out, no past at all"),
    "later_years": ("以后各年：每年只用以前的年份训练", "later years, each foretold from the years before"),
    "left_out": ("留出的年份：用其余年份训练", "years left out, each foretold from the others"),
    "stretches": ("留出的时段：前后各隔开几天", "stretches of days left out, with a gap on both sides"),
    "file": ("这份文件里的日子", "the days of this file"),
}
"""Keys of a test in a manifest -> what it was tested on."""
MEASURES: Mapping[str, tuple[Words, str]] = {
    "mae": (("平均绝对误差", "mean absolute error"), "°C"),
    "mae_under_mean": (("误差比多模式平均低", "error under the multi-model mean"), "%"),
    "mae_under_mean_unrounded": (("同上，不按站点取整", "the same, not rounded as the station reports"), "%"),
    "crps": (("分级概率评分 CRPS", "ranked probability score CRPS"), "mm"),
    "crps_under_members": (("CRPS 比原始成员低", "CRPS under the raw members"), "%"),
    "brier_skill": (("Brier 技巧", "Brier skill"), ""),
    "brier_skill_training_rate": (
        ("Brier 技巧，对训练期频率", "Brier skill over the frequency in training"), "",
    ),
    "brier_skill_beside_members": (("Brier 技巧，对成员计数", "Brier skill over the count of members"), ""),
    "ap": (("平均精度 AP", "average precision AP"), ""),
    "ap_gain": (("AP 比物理规则高", "AP above the physical rule"), ""),
}  # fmt: skip
"""Figure -> its name in both languages, and its unit; in the order of the table."""
BESIDE: Mapping[str, tuple[str, Words]] = {
    "mae_multi_model_mean": ("mae", ("多模式平均", "multi-model mean")),
    "crps_members": ("crps", ("原始成员", "raw members")),
    "brier_skill_members": (
        "brier_skill",
        ("成员计数，同样对训练期频率", "count of members, over the same frequency in training"),
    ),
    "ap_models": ("ap", ("达到阈值的模式比例", "share of models at the threshold")),
    "ap_rule": ("ap", ("物理规则的指数", "index of the physical rule")),
    "ap_members": ("ap", ("成员计数", "count of members")),
}
"""Figure of what the model is held against -> the figure of the model it belongs to, and what that is."""
BASELINES: Mapping[str, Words] = {
    "heat": ("对达到阈值的模式比例", "over the share of models at the threshold"),
}
"""Hazard -> what Brier skill is over where nothing stands beside it; `OF_DAYS` for the others."""
OF_DAYS = ("对检验期自身的频率", "over the frequency of the tested days themselves")
RULES: Mapping[str, Words] = {
    "heat": ("多模式平均达到阈值就行动", "act when the multi-model mean is there"),
    "rain": ("一半成员达到就行动", "act when half of the members are there"),
}
"""Hazard -> the rule whose value is drawn beside that of the chance; `RULE` for the others."""
RULE = ("按物理规则的阈值行动", "act at the threshold of the physical rule")
UNITS = {"heat": "℃", "rain": " mm"}
"""Hazard -> unit of its thresholds."""
NAMES: Mapping[str, Words] = {"rain": ("24小时雨量", "rain of 24 hours")}
"""What is learned and is no hazard of a configuration -> its name."""
