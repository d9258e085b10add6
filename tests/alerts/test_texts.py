"""The words of every change, in both languages, from the templates that ship."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from alerts.duty.people import Advice
from alerts.event.conduct import Conduct
from alerts.event.transition import Reason, Transition
from alerts.wording.proofreading import proofread
from alerts.wording.texts import NEEDED, Texts
from alerts.wording.words import Chinese, English, known, plain, tidy
from ingest.batch import PROVENANCE, Flag
from ingest.places import District
from rules.findings import Basis
from rules.level import Level

CONFIG = Path(__file__).resolve().parents[2] / "config"
AT = datetime(2022, 8, 9, 0, 5, tzinfo=UTC)
DISCLAIMED = {
    "zh": "不是气象部门发布的预警信号。",
    "en": "not a warning signal issued by the meteorological service.",
}
MARKED = {
    Flag.ANALYSIS: ("模式分析值", "model analysis"),
    Flag.RECONSTRUCTED: ("重建的逐时值", "reconstructed from daily"),
    Flag.PERFECT_PROGNOSIS: ("完美预报", "perfect prognosis"),
}


@cache
def shipped() -> Texts:
    """The texts of the district that ships."""
    district = TypeAdapter(District).validate_python(read("district.yaml"))
    heat = read("hazards/heat.yaml")
    words = {key: heat[key] for key in ("kind", "name", "name_en", "measure", "measure_en", "unit")}
    ours = Advice(zh="自拟", en="our own")
    conduct = Conduct(**words, source=ours, dispatch={})
    return Texts(templates=read("texts.yaml"), district=district, conducts={"heat": conduct})


def read(name: str):
    """One file of the configuration, as plain data."""
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def town(index: int) -> str:
    """Code of a town."""
    return shipped().district.place_ids[index]


def levels(*groups: tuple[int, Level]) -> dict[str, Level]:
    """The first towns of the district with levels: (how many, level) after one another."""
    ids = iter(shipped().district.place_ids)
    return {next(ids): level for count, level in groups for _ in range(count)}


def change(reason: Reason = Reason.OPENED, **parts) -> Transition:
    """A red of the whole district, forecast for the afternoon of 9 August 2022."""
    everywhere = levels((21, Level.RED))
    whole = Transition(
        id="a-1", alert="a", hazard="heat", at=AT, reason=reason,
        from_level=Level.ORANGE, to_level=Level.RED, places=everywhere, changed=everywhere,
        onset=AT + timedelta(hours=5, minutes=55), expires=AT + timedelta(hours=11, minutes=55),
        value=41.3, threshold=40.0, basis=Basis.FORECAST, marks=0,
        opened_at=AT - timedelta(days=19, hours=3), peak_level=Level.RED, peak_value=41.34,
        figures={"hot_day_run": 19.0},
    )  # fmt: skip
    if reason is Reason.ENDED:
        whole = replace(whole, from_level=Level.RED, to_level=Level.NONE, places={})
        whole = replace(whole, value=None, threshold=None, onset=None, expires=None)
    return replace(whole, **parts)


def say(transition: Transition, language: str = "zh", **parts) -> str:
    """The message to work safety."""
    call: dict[str, Any] = {"subsystem": "安全生产", "role": "lead", "task": "停工。"}
    call |= {"ack_link": None} | parts
    return shipped().render(transition, language=language, **call)


EVERY = [(reason, language) for reason in Reason for language in ("zh", "en")]


def test_the_shipped_templates_have_no_fault():
    """Every template renders in both languages for every reason."""
    assert proofread(shipped()) == []


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("opened", "建议发布“高温红色”预警〔Ⅰ级/特别严重〕", "issue a red heat warning"),
        ("raised", "将“高温橙色”预警升级为“高温红色”预警", "raise the heat warning from orange"),
        ("spread", "扩大范围。新增或变化：", "Added or changed:"),
        ("lowered", "将“高温橙色”预警降为“高温红色”预警", "lower the heat warning from orange"),
        ("narrowed", "缩小范围。变化：", "Changed:"),
        ("extended", "延长至8月9日20时", "until 9 Aug 20:00"),
        ("ended", "预警建议解除", "recommendation ended"),
        ("data_lost", "可用数据不足，无法研判高温", "no longer suffice to judge heat"),
        ("data_found", "可重新研判高温", "heat can be judged again"),
    ],
)
def test_each_reason_says_what_happened(reason: str, zh: str, en: str):
    """The key phrase of each reason stands in the text of each language."""
    transition = change(Reason(reason))
    assert zh in say(transition)
    assert en in say(transition, "en")


def test_an_opening_reads_like_the_official_wording():
    """Who, when, which level, expected when and where, how much, since when, what to do."""
    assert say(change()) == (
        "荣昌区高温预警建议：2022年8月9日08时05分，建议发布“高温红色”预警〔Ⅰ级/特别严重〕。"
        "预计8月9日14时至20时，全区21个镇街日最高气温将升至40℃以上（最高预报41.3℃），"
        "此前已连续19天≥35℃。〔安全生产·牵头〕停工。"
        "本信息为预警建议，不是气象部门发布的预警信号。"
    )


def test_an_opening_reads_plainly_in_english():
    """The English text carries the same facts, with Beijing time named."""
    text = say(change(), "en", subsystem="Work safety", task="Stop outdoor work.")
    assert text == (
        "Rongchang heat warning recommendation, 9 Aug 2022 08:05 (Beijing time): issue a red heat"
        " warning. In all 21 towns the daily maximum temperature is forecast to rise to 40 °C or"
        " more (highest forecast 41.3 °C), 9 Aug 14:00 to 20:00; 19 days in a row at 35 °C or more"
        " before. [Work safety, lead] Stop outdoor work. This is a recommendation, not a warning"
        " signal issued by the meteorological service."
    )


@pytest.mark.parametrize(("reason", "language"), EVERY)
@pytest.mark.parametrize("marks", [0, int(PROVENANCE)])
@pytest.mark.parametrize("number", [41.3, None, float("nan")])
def test_every_text_is_one_clean_line(reason: Reason, language: str, marks: int, number):
    """No line end, double blank, blank before a stop, None or nan, whatever is missing."""
    numbers = {"value": number, "threshold": number, "peak_value": number, "marks": marks}
    transition = change(reason, **numbers, figures={"hot_day_run": float("nan")})
    text = say(transition, language, ack_link="http://127.0.0.1/a/1", step=1)
    for line in (text, shipped().because(transition, language)):
        assert not re.search(r"\n|  | [.,;:，。；：]|None|\bnan\b|\{|\}|，，|。。", line)


@pytest.mark.parametrize(("reason", "language"), EVERY)
def test_a_signal_is_only_named_where_it_is_denied(reason: Reason, language: str):
    """Only the meteorological service issues 预警信号: the word stands in the disclaimer alone."""
    text = say(change(reason), language)
    assert DISCLAIMED[language] in text
    assert not re.search("预警信号|warning signal", text.replace(DISCLAIMED[language], ""))


@pytest.mark.parametrize(("reason", "language"), EVERY)
@pytest.mark.parametrize("mark", MARKED)
def test_every_text_tells_the_provenance_of_its_data(reason: Reason, language: str, mark: Flag):
    """Each mark has its phrase in every message and every piece of evidence, and only then."""
    phrase = MARKED[mark][language == "en"]
    marked, clean = change(reason, marks=int(mark)), change(reason)
    for transition, expected in ((marked, True), (clean, False)):
        assert (phrase in say(transition, language)) is expected
        assert (phrase in shipped().because(transition, language)) is expected


@pytest.mark.parametrize(
    ("basis", "onset", "zh", "en"),
    [
        (Basis.FORECAST, 6, "将升至40℃以上（最高预报41.3℃）", "forecast to rise to 40 °C"),
        (Basis.OBSERVED, 0, "已升至40℃以上（最高实测41.3℃）", "has been observed at 40 °C"),
        (Basis.BOTH, 6, "将升至40℃以上（最高预报41.3℃）", "forecast to rise to 40 °C"),
        (Basis.BOTH, 0, "已或将升至40℃以上（最高41.3℃）", "is observed or forecast at 40 °C"),
    ],
)
def test_the_tense_follows_the_basis(basis: Basis, onset: int, zh: str, en: str):
    """What is only forecast is never told as having happened."""
    transition = change(basis=basis, onset=AT + timedelta(hours=onset))
    assert zh in say(transition)
    assert en in say(transition, "en")


@pytest.mark.parametrize("mark", [Flag.ANALYSIS, Flag.RECONSTRUCTED])
def test_what_was_not_measured_is_not_called_measured(mark: Flag):
    """The word 实测 needs an instrument behind it."""
    transition = change(basis=Basis.OBSERVED, marks=int(mark))
    assert "最高实测" not in say(transition)
    assert "measured 41.3" not in say(transition, "en")


KEPT = {"onset": None, "expires": None, "from_level": Level.RED, "to_level": Level.YELLOW}
STANDING = [Reason.LOWERED, Reason.NARROWED, Reason.EXTENDED]


def kept(reason: Reason, **parts) -> Transition:
    """A yellow of the whole district that nothing meets any more."""
    numbers = {"value": 31.9, "threshold": 35.0, "basis": Basis.NOTHING}
    return change(reason, **KEPT, **numbers, places=levels((21, Level.YELLOW)), **parts)


@pytest.mark.parametrize("reason", STANDING)
def test_a_level_that_is_only_kept_says_so(reason: Reason):
    """Where `keep` alone holds a level, no text claims that the towns will reach it."""
    zh, en = say(kept(reason)), say(kept(reason), "en")
    assert "全区21个镇街目前实况和预报已低于黄色标准，按规定保留观察。" in zh
    assert "observations and forecast are now below the yellow criterion; the level is kept" in en
    assert not re.search("升至|预计", zh)
    assert "rise to" not in en


@pytest.mark.parametrize("reason", STANDING)
def test_a_level_that_cannot_be_judged_is_not_called_below(reason: Reason):
    """Where data is missing, nobody says that the criterion is no longer met."""
    blind = kept(reason, figures={"unjudged_towns": 3.0})
    assert "目前数据不足，无法确认是否仍达到黄色标准，等级保留。" in say(blind)
    assert "低于" not in say(blind)
    assert "data is missing to tell whether the yellow criterion is still met" in say(blind, "en")


def test_a_value_under_the_threshold_is_never_told_as_over_it():
    """Lower towns meet their level, those of the highest keep theirs: only the latter is claimed."""
    places = levels((2, Level.RED), (19, Level.ORANGE))
    text = say(change(Reason.NARROWED, places=places, changed={}, value=38.1))
    assert "红色区域目前实况和预报已低于红色标准，按规定保留观察。其中红色：" in text


@pytest.mark.parametrize("value", [36.96, 37.0])
def test_a_value_that_rounds_to_the_threshold_reaches_it(value: float):
    """What is printed as 37 is told as reaching 37."""
    text = say(change(Reason.LOWERED, to_level=Level.ORANGE, value=value, threshold=37.0))
    assert "将升至37℃以上（最高预报37℃）" in text


@pytest.mark.parametrize(("level", "words"), [(Level.ORANGE, "an orange"), (Level.RED, "a red")])
def test_the_article_goes_with_the_level(level: Level, words: str):
    """English texts read aloud."""
    assert f"issue {words} heat warning" in say(change(to_level=level), "en")


def test_towns_are_grouped_where_levels_differ():
    """The threshold is claimed for the highest level only; both groups are listed with counts."""
    places = levels((2, Level.RED), (19, Level.ORANGE))
    text = say(change(places=places, changed=places))
    assert "预计8月9日14时至20时，红色区域日最高气温将升至40℃以上" in text
    assert "其中红色：昌元街道、昌州街道等2个镇街；橙色：除昌元街道、昌州街道外的19个镇街。" in text


def test_towns_are_grouped_in_english_too():
    """Groups carry the level's name."""
    text = say(change(places=levels((2, Level.RED), (1, Level.ORANGE)), changed={}), "en")
    assert "By level: red: Changyuan and Changzhou; orange: Guangshun." in text


@pytest.mark.parametrize("count", [1, 7, 12, 17])
def test_a_newly_added_town_is_never_left_out(count: int):
    """An opening names every town, however many there are."""
    places = levels((count, Level.RED))
    zh, en = (say(change(places=places, changed=places), language) for language in ("zh", "en"))
    for place in places:
        assert shipped().district.town(place).name in zh
        assert shipped().district.town(place).name_en in en


def test_a_long_list_is_shortened_with_its_total_but_for_the_new_town():
    """Towns that were told before may be counted; the one that is new is named."""
    places = levels((12, Level.RED))
    text = say(change(Reason.EXTENDED, places=places, changed={town(11): Level.RED}))
    assert "万灵镇等12个镇街" in text
    assert "直升镇" not in text


def test_cleared_towns_are_named():
    """A narrowing says which towns were cleared."""
    transition = change(Reason.NARROWED, changed={town(3): Level.NONE, town(4): Level.ORANGE})
    assert "变化：橙色：安富街道；解除：双河街道。" in say(transition)
    assert "orange: Anfu; cleared: Shuanghe." in say(transition, "en")


def test_a_town_without_a_name_is_told_by_its_code():
    """A code that left the configuration does not lose the message."""
    gone = {"500153999": Level.RED}
    assert "500153999" in say(change(places=gone, changed=gone))


def test_an_end_tells_peak_and_duration():
    """The all-clear says how high, how long and since when, and asks for no task."""
    text = say(change(Reason.ENDED))
    assert "最高等级为红色，过程日最高气温达41.3℃，自2022年7月21日05时05分起历时19天3小时。" in text
    assert "停工" not in text
    assert "lasted 19 days 3 hours" in say(change(Reason.ENDED), "en")


@pytest.mark.parametrize(
    ("level", "zh", "en"),
    [
        (Level.RED, "现有“高温红色”预警建议（全区21个镇街）保持不变", "The red recommendation"),
        (Level.NONE, "没有预警建议不代表没有风险", "does not mean no danger"),
    ],
)
def test_lost_data_is_never_calm(level: Level, zh: str, en: str):
    """An open alert stands, and without one the text says that silence is not safety."""
    lost = change(Reason.DATA_LOST, to_level=level)
    assert zh in say(lost)
    assert en in say(lost, "en")


def test_a_period_over_midnight_gives_both_dates():
    """Dates are explicit: no 今日 and no 明日."""
    text = say(change(expires=AT + timedelta(hours=36)))
    assert "预计8月9日14时至8月10日20时05分，" in text
    assert not re.search("[今明昨]日", text)


def test_a_repeated_call_says_so_first():
    """Step 1 is the second call."""
    assert say(change(), step=1).startswith("第2次叫应：前一级未确认。荣昌区")
    assert say(change(), "en", step=2).startswith("Call 3: ")
    assert "叫应" not in say(change())


def test_a_link_stands_free_and_a_red_asks_three_facts():
    """What follows the link is set off by a blank; only a red asks who commands."""
    link = "http://127.0.0.1:8480/a/xyz"
    assert f"并回报谁在指挥、影响哪里、转移了谁：{link} 本信息" in say(change(), ack_link=link)
    orange = change(to_level=Level.ORANGE)
    assert f"收到请确认：{link} " in say(orange, ack_link=link)
    assert f"Acknowledge: {link} This" in say(orange, "en", ack_link=link)


@pytest.mark.parametrize(
    ("role", "zh", "en"),
    [("lead", "牵头", "lead"), ("support", "配合", "support"), ("inform", "知悉", "informed")],
)
def test_the_role_is_told_with_the_task(role: str, zh: str, en: str):
    """A subsystem learns in which role it is asked."""
    assert f"〔安全生产·{zh}〕停工。" in say(change(), role=role)
    assert f"[Work safety, {en}] Stop." in say(
        change(), "en", role=role, subsystem="Work safety", task="Stop."
    )


def test_no_task_leaves_no_trace():
    """An empty task leaves out the subsystem too."""
    assert "安全生产" not in say(change(), task="")


def test_the_evidence_names_value_threshold_towns_basis_and_run():
    """One sentence for logs and replay."""
    places = levels((8, Level.RED), (13, Level.ORANGE))
    transition = change(places=places)
    assert shipped().because(transition, "zh") == (
        "红色8个镇街、橙色13个镇街，日最高气温达41.3℃，红色阈值40℃；依据预报；此前已连续19天≥35℃"
    )
    assert shipped().because(transition, "en") == (
        "red in 8 towns, orange in 13 towns, daily maximum temperature up to 41.3 °C, threshold of"
        " red 40 °C; from the forecast; 19 days in a row at 35 °C or more before"
    )


@pytest.mark.parametrize("figures", [{}, {"hot_day_run": 0.0}, {"something_new": 3.0}])
def test_a_figure_without_words_is_left_out(figures: dict[str, float]):
    """No run, or a figure nobody wrote a phrase for, changes nothing."""
    assert "连续" not in say(change(figures=figures))


@pytest.mark.parametrize(
    ("name", "template", "complaint"),
    [
        ("opened", "{{ t.nothing }}", "nothing"),
        ("opened", "{% if t.value is none %}{{ subystem }}{% endif %}", "there is no 'subystem'"),
        ("repeat", "{{ step | ordinal }}", "ordinal"),
        ("ended", "{% if %}", "ended"),
        ("raised", "{% include 'outlok' %}", "outlok"),
        ("task", "{{ step | stamp }}", "fails"),
        ("because", "{{ task }}", "task"),
        ("figure_wet_days", "{{ figure + 'd' }}", "fails"),
        ("opened", "", "has no zh text for opened"),
    ],
)
def test_a_broken_template_is_found_before_it_is_needed(name: str, template: str, complaint: str):
    """A wrong name, filter, syntax or include is one sentence naming the text."""
    templates = shipped().templates | {name: {"zh": template, "en": "fine"}}
    found = proofread(replace(shipped(), templates=templates))
    assert any(complaint in sentence for sentence in found)
    assert all(sentence.startswith("texts.yaml") for sentence in found)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_text_is_missed(name: str):
    """Each needed text is asked for by name, in each language."""
    templates = {own: texts for own, texts in shipped().templates.items() if own != name}
    found = proofread(replace(shipped(), templates=templates))
    assert found == [f"texts.yaml has no {own} text for {name}; add it" for own in ("zh", "en")]


@pytest.mark.parametrize(
    ("minutes", "zh", "en"),
    [
        (0, "0分钟", "0 minutes"),
        (60, "1小时", "1 hour"),
        (1500, "1天1小时", "1 day 1 hour"),
        (2945, "2天1小时5分钟", "2 days 1 hour 5 minutes"),
    ],
)
def test_a_length_of_time_is_told_in_days_hours_and_minutes(minutes: int, zh: str, en: str):
    """Parts that are zero are left out, unless all are."""
    length = timedelta(minutes=minutes)
    assert Chinese(district=shipped().district).span(length) == zh
    assert English(district=shipped().district).span(length) == en


@pytest.mark.parametrize(
    ("number", "text"), [(40.0, "40"), (41.34, "41.3"), (-0.5, "-0.5"), (-0.04, "0")]
)
def test_a_number_is_plain(number: float, text: str):
    """At most one decimal, none where it is whole."""
    assert plain(number) == text


@pytest.mark.parametrize(("number", "there"), [(0.0, True), (None, False), (float("nan"), False)])
def test_zero_is_known_and_nothing_is_not(number: float | None, there: bool):
    """Missing is never zero."""
    assert known(number) is there


def test_tidying_keeps_the_blanks_of_latin_text():
    """Line ends go; a blank stays between Latin words and leaves Chinese."""
    assert tidy(" 高温 \n 红色  at\n last ") == "高温红色at last"


RAIN = Conduct(
    kind="rain", name="暴雨", name_en="Rainstorm", measure="累计降雨量", measure_en="accumulated rain",
    unit="mm", source=Advice(zh="自拟", en="our own"), dispatch={},
)  # fmt: skip
FROST = replace(
    RAIN, name="低温", name_en="Frost", measure="日最低气温", measure_en="daily minimum", unit="°C"
)
FIRE = replace(RAIN, name="火险", name_en="Fire", measure="火险等级", measure_en="fire danger", unit="级")
INDEX = replace(RAIN, name="干旱", name_en="Drought", measure="指数MCI", measure_en="index MCI", unit="")


def of(conduct: Conduct, language: str = "zh", *, reason: Reason = Reason.OPENED, **parts) -> tuple[str, str]:
    """Message and evidence of a hazard with these words."""
    conducts = {"heat": shipped().conducts["heat"], "one": conduct, "rain": RAIN, "frost": FROST}
    texts = replace(shipped(), conducts=conducts)
    made = change(reason, **({"hazard": "one", "figures": {}} | parts))
    call: dict[str, Any] = {"subsystem": "-", "role": "lead", "task": "", "ack_link": None}
    return texts.render(made, language=language, **call), texts.because(made, language)


def test_the_window_of_a_value_is_told_with_it():
    """Three hours of rain are not a day of it."""
    figures = {"window_hours": 3.0, "hour_max": 41.0}
    wet: dict[str, Any] = {"value": 82.0, "threshold": 50.0, "figures": figures}
    zh, because = of(RAIN, **wet)
    assert "全区21个镇街3小时累计降雨量将达到50毫米以上（最高预报82毫米），最大小时雨量41毫米。" in zh
    assert "，3小时累计降雨量达82毫米，红色阈值50毫米；" in because
    en, because = of(RAIN, "en", **wet)
    assert (
        "the 3-hour accumulated rain is forecast to reach 50 mm or more (highest forecast 82 mm)" in en
    )
    assert "3-hour accumulated rain up to 82 mm" in because


COLD: dict[str, Any] = {"value": -2.1, "threshold": 4.0, "peak_value": -2.1, "falling": True}


@pytest.mark.parametrize(
    ("basis", "zh", "en"),
    [
        (Basis.FORECAST, "将降至4℃以下（最低预报-2.1℃）", "is forecast to fall to 4 °C or less (lowest"),
        (Basis.OBSERVED, "已降至4℃以下（最低实测-2.1℃）", "observed at 4 °C or less (lowest measured"),
        (Basis.BOTH, "已或将降至4℃以下（最低-2.1℃）", "forecast at 4 °C or less (lowest -2.1 °C)"),
    ],
)
def test_where_low_is_dangerous_the_words_point_down(basis: Basis, zh: str, en: str):
    """Or less, lowest, fall to."""
    parts: dict[str, Any] = COLD | {"basis": basis, "onset": AT}
    assert zh in of(FROST, **parts)[0]
    assert en in of(FROST, "en", **parts)[0]
    assert "日最低气温低至-2.1℃" in of(FROST, **parts)[1]
    assert "daily minimum down to -2.1 °C" in of(FROST, "en", **parts)[1]


def test_the_end_of_a_falling_hazard_tells_its_lowest():
    """The worst of a cold spell is its minimum."""
    zh, because = of(FROST, reason=Reason.ENDED, falling=True, peak_value=-2.1)
    assert "过程日最低气温低至-2.1℃" in zh
    assert "，过程最低-2.1℃" in because
    en, because = of(FROST, "en", reason=Reason.ENDED, falling=True, peak_value=-2.1)
    assert "daily minimum down to -2.1 °C" in en
    assert "lowest -2.1 °C" in because


def test_a_cold_that_is_over_is_above_its_threshold():
    """Kept under observation, for the same reason the other way round."""
    milder: dict[str, Any] = {"value": 6.0, "threshold": 4.0, "falling": True, "reason": Reason.NARROWED}
    assert "目前实况和预报已高于红色标准，按规定保留观察" in of(FROST, **milder)[0]
    assert "now above the red criterion" in of(FROST, "en", **milder)[0]
    colder = milder | {"value": 3.0}
    assert "将降至4℃以下" in of(FROST, **colder)[0]


@pytest.mark.parametrize(
    ("conduct", "number", "zh", "en"),
    [
        (FIRE, 4.0, "火险等级将达到4级以上（最高预报4级）", "reach level 4 or more (highest forecast level"),
        (INDEX, 1.5, "指数MCI将达到1.5以上（最高预报1.5）", "reach 1.5 or more (highest forecast 1.5)"),
        (replace(RAIN, unit="m/s"), 17.2, "17.2米/秒以上", "17.2 m/s or more"),
        (RAIN, 50.0, "50毫米以上", "50 mm or more"),
    ],
)
def test_each_unit_is_written_as_the_language_writes_it(conduct: Conduct, number: float, zh: str, en: str):
    """A level stands before its number in English, and a bare number has no blank behind it."""
    assert zh in of(conduct, value=number, threshold=number)[0]
    assert en in of(conduct, "en", value=number, threshold=number)[0]


OTHERS = {"frost": Level.YELLOW, "rain": Level.RED}


def test_the_other_hazards_of_the_incident_are_named():
    """The most severe first, between the outlook and the task."""
    zh = say(replace(change(), related={}))
    assert "关联" not in zh
    texts = replace(shipped(), conducts={**shipped().conducts, "rain": RAIN, "frost": FROST})
    call: dict[str, Any] = {"subsystem": "安全生产", "role": "lead", "task": "停工。", "ack_link": None}
    zh = texts.render(change(related=OTHERS), language="zh", **call)
    assert "≥35℃。关联预警建议：暴雨红色、低温黄色。〔安全生产·牵头〕停工。" in zh
    en = texts.render(change(related=OTHERS), language="en", **call)
    assert "before. Related: rainstorm red, frost yellow. [" in en


def test_the_end_of_one_hazard_names_those_that_stand():
    """An all-clear must not be taken for the end of the whole."""
    assert "仍有关联预警建议：暴雨红色。" in of(RAIN, reason=Reason.ENDED, related={"rain": Level.RED})[0]
    en = of(RAIN, "en", reason=Reason.ENDED, related={"rain": Level.RED})[0]
    assert "Still open: rainstorm red. This is" in en


@pytest.mark.parametrize("reason", [Reason.DATA_LOST, Reason.DATA_FOUND])
def test_news_of_data_names_no_other_hazard(reason: Reason):
    """It is about the system."""
    assert "关联" not in of(RAIN, reason=reason, related=OTHERS)[0]


def test_a_related_hazard_that_left_the_configuration_stands_for_itself():
    """A message must not be lost for want of a name."""
    assert "关联预警建议：hail橙色。" in of(RAIN, related={"hail": Level.ORANGE})[0]


@pytest.mark.parametrize(
    ("name", "number", "zh", "en"),
    [
        ("hour_max", 82.0, "最大小时雨量82毫米", "up to 82 mm in an hour"),
        ("hour_max", 0.0, "", ""),
        ("antecedent_rain", 120.0, "前期有效降雨量120毫米", "effective rain of the days before 120 mm"),
        ("fire_days", 5.0, "含今日已连续5天达4级以上", "5 days in a row at level 4 or more, today included"),
        ("fire_days", 1.0, "", ""),
        ("hot_spots", 1.0, "近24小时卫星监测热点1个", "1 hot spot seen by satellites"),
        ("hot_spots", 2.0, "近24小时卫星监测热点2个", "2 hot spots seen by satellites"),
        ("gust_force", 9.0, "最大阵风9级", "gusts up to force 9"),
        ("fwi", 32.4, "火险天气指数FWI为32.4", "fire weather index 32.4"),
    ],
)
def test_a_figure_has_its_words(name: str, number: float, zh: str, en: str):
    """And none where it says nothing."""
    bare = {language: of(RAIN, language)[0] for language in ("zh", "en")}
    for language, words in (("zh", zh), ("en", en)):
        text = of(RAIN, language, figures={name: number})[0]
        assert (words in text) if words else (text == bare[language])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("reason", list(Reason))
def test_a_letter_to_many_says_to_each_what_a_letter_of_their_own_would(reason: Reason, language: str):
    """Parts that are shared are never those of somebody else."""
    made = change(reason)
    letter = shipped().letter(made, language)
    for subsystem in ("应急", "卫健"):
        for role, task, link, step in (
            ("lead", "a", None, 0), ("support", "a", "http://localhost/1", 0),
            ("lead", "b", "http://localhost/2", 1), ("inform", "", None, 2),
        ):  # fmt: skip
            address: dict[str, Any] = {
                "subsystem": subsystem, "role": role, "task": task, "ack_link": link, "step": step
            }  # fmt: skip
            alone = replace(shipped()).render(made, language=language, **address)
            assert letter.to(**address) == alone
