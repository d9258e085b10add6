"""Reports: one file that says the same in both languages, needs nothing else, and hides nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import AT, HOUR, NONE, ORANGE, RED, YELLOW, change
from stage import district

from alerts.duty.people import Advice
from alerts.event.transition import Reason
from ingest.batch import Flag
from ingest.times import instant64
from pipeline.config import Config, with_only
from pipeline.configuration.patch import Changes, Edit
from pipeline.replay.result import Paged, Replay, Trace
from pipeline.reports import page as pages
from pipeline.reports import write, writing
from pipeline.reports.replays import Comparison
from pipeline.reports.verifications import Contest
from pipeline.reports.writing import ReportError
from pipeline.tune.plan import Plan
from pipeline.tune.result import Fold, Row, Tuning
from pipeline.verify.bootstrap import Figure
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.run import verify
from pipeline.verify.terms import Terms

DAYS = 6
TOWN = "500153001"
PERFECT = int(Flag.PERFECT_PROGNOSIS | Flag.RECONSTRUCTED)


@cache
def config() -> Config:
    """The district that ships, judging heat alone."""
    return with_only(district(), ("heat",))


def page(hours: float, **parts: Any) -> Paged:
    """A call of one officer so many hours after `AT`."""
    made = Paged(
        at=AT + hours * HOUR, person="health_duty_a", subsystem="health", transition="x.1", alert="x",
        hazard="heat", level=RED, reason=Reason.OPENED, calls=True, night=False, woken=False,
    )  # fmt: skip
    return replace(made, **parts)


def trace() -> Trace:
    """Hot, then unknown."""
    hours = np.arange(DAYS * 24)
    return Trace(
        hazard="heat", nows=instant64(AT) + hours * np.timedelta64(3600, "s"),
        value=np.where(hours < 100, 36 + hours / 20, np.nan), floor=np.zeros(hours.size, np.int8),
        level=np.where(hours < 24, 0, 4).astype(np.int8), unknown=np.where(hours < 100, 0, 21),
        limits={YELLOW: 35.0, ORANGE: 37.0, RED: 40.0}, unit="°C", falling=False,
    )  # fmt: skip


def replay(**parts: Any) -> Replay:
    """Six days with one red alert, made with a forecast that could not have been known."""
    shared: dict[str, Any] = {"places": {TOWN: RED}, "changed": {TOWN: RED}, "marks": PERFECT}
    opened = change(id="x.1", at=AT + 24 * HOUR, **shared)
    ended = change(
        Reason.ENDED, id="x.2", at=AT + 72 * HOUR, from_level=RED, to_level=NONE, places={},
        changed={TOWN: NONE}, note="<b>", marks=PERFECT,
    )  # fmt: skip
    made = Replay(
        event="six days", ticks=DAYS * 24, elapsed_s=0.0, transitions=(opened, ended), deliveries=(),
        start=AT, end=AT + timedelta(days=DAYS), pages=(page(24), page(40, night=True, woken=True)),
        blind={"heat": 44 * HOUR}, traces={"heat": trace()},
    )  # fmt: skip
    return replace(made, **parts)


def bare(**parts: Any) -> Replay:
    """A replay without anything to draw."""
    return replay(transitions=(), pages=(), traces={}, **parts)


EDIT = Edit(file="hazards/heat.yaml", trail=("ladder", "red", "at_least"), value=41.0, former=40.0)


def comparison() -> Comparison:
    """Today against a proposal that warns of nothing."""
    return Comparison(
        today=replay(), proposal=replay(transitions=(), pages=()), changes=Changes(edits=(EDIT,)),
        summary={"zh": ["每月-10条信息"], "en": ["-10 pages a month"]},
    )  # fmt: skip


@cache
def contest() -> Contest:
    """One event in time and one missed, with a name that is no harmless text."""
    events = [
        Occurrence(id=f"e{hours}", hazard="heat", onset=AT + hours * HOUR, source="<i>news", level=RED)
        for hours in (30, 130)
    ]
    found = verify(replay(), events, config(), Terms())
    return Contest(today=found, proposal=found, replay=replay())


def row(pod: float, **parts: Any) -> Row:
    """A ladder with this probability of detection."""
    names = ("pod", "far", "csi", "bias", "lead_h", "pages_per_month", "night_pages_per_month")
    figures = {name: Figure(value=pod, low=pod - 0.1, high=pod + 0.1, n=5) for name in names}
    made = Row(
        values={"ladder.red.at_least": 40.0 + pod}, figures=figures, hits=4, misses=1, false_alarms=1,
        keeps=True, today=False, proposed=False,
    )  # fmt: skip
    return replace(made, **parts)


def tuning() -> Tuning:
    """A proposal from five events, which are few."""
    now, better = row(0.5, today=True), row(0.8, proposed=True)
    return Tuning(
        title="", plan=Plan(hazard="heat", vary={}, maximise="pod", level=RED),
        start=AT, end=AT + timedelta(days=DAYS), events=5, tried=12, refused={"no rung": 2}, today=now,
        proposal=better, front=(row(0.3, keeps=False), now, better),
        folds=(Fold(years=(2022,), values=now.values, figures={"pod": 0.5}, today={"pod": 0.4}),),
        held_out={"pod": (0.6, 0.5)}, differences={"pod": Figure(value=0.3, low=-0.1, high=0.6, n=5)},
        verdict="few_events", price=Advice(zh="每月+1条", en="+1 page a month"),
        notes=(Advice(zh="事件太少", en="too few events"),),
        changes=Changes(edits=(EDIT,)), exact=True, replays=(replay(), replay(transitions=())),
    )  # fmt: skip


SUBJECTS: dict[str, Callable[[], Any]] = {
    "replay": replay, "comparison": comparison, "verification": contest, "tuning": tuning,
}  # fmt: skip
every = pytest.mark.parametrize("sort", SUBJECTS)


@cache
def written(sort: str, folder: Path) -> str:
    """The page of a subject; drawn once for all tests."""
    path = folder / f"{sort}.html"
    write(path, SUBJECTS[sort](), config=config())
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pages are written."""
    return tmp_path_factory.mktemp("reports")


class Page(HTMLParser):
    """Collects what tests ask of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Remember words."""
        self.text += data

    def of(self, name: str) -> list[str | None]:
        """Values of an attribute."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]


@every
def test_a_page_needs_nothing_but_itself(sort: str, folder: Path):
    """No script, no style sheet, picture or font from elsewhere."""
    found = Page(written(sort, folder))
    assert not {tag for tag, _ in found.tags} & {"script", "link", "img", "iframe", "object"}
    assert all(str(link).startswith("#") for link in (*found.of("src"), *found.of("xlink:href")))
    assert not re.search(r"@import|url\((?!#)", written(sort, folder))


@every
def test_a_page_holds_both_languages_and_a_switch_without_script(sort: str, folder: Path):
    """It opens in the one that was asked for."""
    found = Page(written(sort, folder))
    assert [a["lang"] for tag, a in found.tags if tag == "article"] == ["zh-CN", "en"]
    checked = [a["id"] for tag, a in found.tags if tag == "input" and "checked" in a]
    assert checked == ["language-zh"]
    assert {"language-zh", "language-en"} <= set(found.of("for"))


@every
def test_an_identifier_stands_for_one_thing(sort: str, folder: Path):
    """Both languages and all figures of a page together."""
    ids = Page(written(sort, folder)).of("id")
    assert len(ids) == len(set(ids))


@every
def test_a_page_says_that_its_forecast_could_not_be_known(sort: str, folder: Path):
    """Perfect prognosis and reconstructed hours are marked in words, in both languages."""
    text = Page(written(sort, folder)).text
    for mark in ("perfect_prognosis", "reconstructed"):
        said = config().texts[mark]
        assert said["zh"].strip("〔〕") in text
        assert said["en"].strip("[] ") in text


@every
def test_a_page_says_of_what_it_is(sort: str, folder: Path):
    """District, period in Beijing time, and the version of the rules."""
    text = Page(written(sort, folder)).text
    assert "荣昌区" in text
    assert "2022年8月9日 08:05" in text
    assert re.search(r"配置版本\s*[0-9a-f]{12}", text)


@every
def test_a_page_fits_a_phone(sort: str, folder: Path):
    """Its width is the device's, every table can be scrolled by itself, and every figure scales."""
    found = Page(written(sort, folder))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in found.tags
    scrolled = sum("scroll" in str(a.get("class")).split() for _, a in found.tags)
    assert scrolled == sum(tag == "table" for tag, _ in found.tags)
    assert not [a for tag, a in found.tags if tag == "svg" and "width" in a]


@every
def test_every_figure_has_words(sort: str, folder: Path):
    """For those who do not see it."""
    found = Page(written(sort, folder))
    assert all(a.get("role") == "img" and a.get("aria-label") for tag, a in found.tags if tag == "svg")


@pytest.mark.parametrize("sort", ["replay", "verification"])
def test_what_others_wrote_is_only_text(sort: str, folder: Path):
    """A note or a source cannot become a part of the page."""
    assert "<i>news" not in written(sort, folder)
    assert "<b>" not in written(sort, folder).replace('<b class', "")


def test_a_replay_tells_every_change_and_whom_it_reached(folder: Path):
    """With numbers, levels, words and people."""
    text = Page(written("replay", folder)).text
    assert "发布" in text
    assert "解除" in text
    assert "到1人" in text
    assert config().routes.people["health_duty_a"].name in text
    assert "有镇街无法判断" in text


def test_a_comparison_tells_what_only_one_of_both_does(folder: Path):
    """The keys that change, the price in words, and the changes that are gone."""
    text = Page(written("comparison", folder)).text
    assert "每月-10条信息" in text
    assert "-10 pages a month" in text
    assert "hazards/heat.yaml ladder.red.at_least" in text
    assert text.count("today only") == 2
    assert "proposal only" not in text


def test_few_events_are_said_to_be_few(folder: Path):
    """Beside the scores, with intervals and numbers of cases."""
    for sort in ("verification", "tuning"):
        assert re.search(r"n=\d", Page(written(sort, folder)).text)
    assert "少于10个" in Page(written("verification", folder)).text


def test_events_are_told_with_what_became_of_them(folder: Path):
    """Hit and missed, where from and how sure."""
    text = Page(written("verification", folder)).text
    assert "命中" in text
    assert "漏报" in text
    assert "确定 · <i>news" in text


def test_a_tuning_tells_what_years_left_out_say(folder: Path):
    """And what it would change, and which values made no ladder."""
    text = Page(written("tuning", folder)).text
    assert "留出年份" in text
    assert "2 × no rung" in text
    assert "每月+1条" in text
    assert "事件太少" in text


def test_a_quiet_period_is_told_as_such(tmp_path: Path):
    """No change, nobody reached, nothing to draw."""
    write(tmp_path / "q.html", bare(), config=config())
    text = Page((tmp_path / "q.html").read_text("utf-8")).text
    assert "没有任何变化" in text
    assert "Nothing changed" in text


def test_a_recorded_event_is_told_with_its_licence(tmp_path: Path):
    """Title, notes and attribution of the event itself."""
    write(tmp_path / "e.html", bare(event="heatwave-2022-08"), config=config())
    text = Page((tmp_path / "e.html").read_text("utf-8")).text
    assert "2022年8月荣昌极端高温过程" in text
    assert "CC BY 4.0" in text
    assert "ERA5" in text


def test_the_same_subject_gives_the_same_bytes(folder: Path):
    """Nothing tells when it was written."""
    first = written("replay", folder)
    write(folder / "again.html", replay(), config=config())
    assert (folder / "again.html").read_text("utf-8") == first


def test_print_has_one_language_and_the_same_bytes_each_time(tmp_path: Path):
    """And is a PDF."""
    quiet = replay(pages=(), traces={})
    for name in ("a.pdf", "b.pdf"):
        write(tmp_path / name, quiet, config=config(), language="en", title="Six days")
    one, other = ((tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert one.startswith(b"%PDF-")
    assert one == other


def test_a_page_can_open_in_english_under_its_own_title(tmp_path: Path):
    """The heading is taken as it was given."""
    write(tmp_path / "e.html", bare(), config=config(), language="en", title="A < B")
    text = (tmp_path / "e.html").read_text("utf-8")
    assert "<title>A &lt; B</title>" in text
    assert 'id="language-en" checked' in text


@pytest.mark.parametrize("name", ["a.docx", "a", "a.html.txt"])
def test_another_suffix_is_refused_in_a_sentence(name: str, tmp_path: Path):
    """Before anything is drawn."""
    with pytest.raises(ReportError, match=r"end with \.html or \.pdf"):
        write(tmp_path / name, replay(), config=config())


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path):
    """And not after hours of work."""
    with pytest.raises(ReportError, match="no such folder"):
        writing.check(tmp_path / "nowhere" / "a.html")


def test_a_missing_library_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The extra is optional."""
    monkeypatch.setattr(writing, "find_spec", lambda _name: None)
    with pytest.raises(ReportError, match=r'pip install "fengsui\[reports\]"'):
        writing.check(tmp_path / "a.pdf")


def test_a_report_that_cannot_be_written_leaves_no_half(tmp_path: Path):
    """A folder stands where the file should go."""
    (tmp_path / "a.html" / "b").mkdir(parents=True)
    with pytest.raises(ReportError, match="name another place"):
        write(tmp_path / "a.html", bare(), config=config())
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_without_a_chinese_font_the_page_says_so_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Beside its Chinese words only: the English figures are as they should be."""
    monkeypatch.setattr(pages, "chinese_font", lambda: None)
    write(tmp_path / "f.html", bare(), config=config())
    assert (tmp_path / "f.html").read_text("utf-8").count("本机没有中文字体") == 1
