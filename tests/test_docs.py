"""The documents cannot rot: what they tell people to type exists, and what people can write is told of."""

import ast
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import fakes
import pytest
import yaml
from click.testing import CliRunner
from house_rules import ROOT

from alerts.duty.people import Roster
from alerts.event.conduct import Conduct
from alerts.event.transition import Reason
from alerts.outgoing.delivery import channel
from ingest.places import District
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.source import Feed, source
from pipeline.cli import main
from pipeline.config import ChannelKeys, Service, default_folder, load
from pipeline.configuration.kinds import register_all
from pipeline.drill.plan import Drill
from pipeline.replay.report import as_json
from pipeline.replay.run import Replay
from rules.hazard import hazard
from rules.ladder import Falling, Rising, Rung
from rules.level import Level

register_all()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READMES = [ROOT / "README.md", ROOT / "README.en.md"]
REFERENCES = [ROOT / "docs/hazards.md", ROOT / "docs/hazards.en.md"]
CHANNELS = [ROOT / "docs/channels.md", ROOT / "docs/channels.en.md"]
DUTY = [ROOT / "docs/duty.md", ROOT / "docs/duty.en.md"]
PAGES = [[page.with_suffix("").with_suffix(".md"), page] for page in sorted((ROOT / "docs").glob("*.en.md"))]
PAIRS = [READMES, *PAGES]
# The examples of hazards and of rule tests are held by tests of their own.
ELSEWHERE = ("hazards", "rule-tests")
WITH_EXAMPLES = [page for pair in PAIRS for page in pair if page.name.partition(".")[0] not in ELSEWHERE]
LANGUAGES = ["zh", "en"]
REGISTRIES: list[Any] = [source, hazard, channel]


def with_its_blocks(*blocks: Any) -> list[type]:
    """Dataclasses of configuration and every one that their keys hold, found by type, each once."""
    found = list(blocks)
    for block in found:
        parts = chain.from_iterable(parts_of(kind) for kind in get_type_hints(block).values())
        found += dict.fromkeys(part for part in parts if part not in found)
    return found


def parts_of(kind: Any) -> Iterator[type]:
    """Dataclasses inside a type such as ``dict[str, tuple[Part, ...]]``."""
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
    for inner in get_args(kind):
        yield from parts_of(inner)


WRITTEN = [Service, Feed, Conduct, District, *(source[kind] for kind in source.kinds)]
BLOCKS = with_its_blocks(*WRITTEN)
SENDERS = [
    (kind, block) for kind in channel.kinds for block in with_its_blocks(channel[kind]) if block is not Secret
]
RULES = [(kind, block) for kind in hazard.kinds for block in with_its_blocks(hazard[kind])]
SHIPPED = {path.stem: path for path in sorted((default_folder() / "hazards").glob("*.yaml"))}
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*|…|\.\.\.")
IMAGE = re.compile(r"fengsui:\S+")


def fenced(path: Path, language: str) -> list[str]:
    """Contents of the fenced blocks of a document in a language, such as ``yaml``."""
    return re.findall(rf"^```(?:{language})\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)


def shell_lines(path: Path) -> list[str]:
    """Lines of the fenced shell blocks of a document, continued ones joined, prompts gone."""
    joined = "\n".join(fenced(path, "sh|bash|shell|console")).replace("\\\n", " ").splitlines()
    lines = [re.sub(r"^\$\s+", "", line).partition(" #")[0].strip() for line in joined]
    return [re.sub(r"\s+", " ", line) for line in lines if line]


def words_after(program: str, words: list[str]) -> list[str] | None:
    """Words after the program a command starts, in a container as well; None for another program."""
    while words and re.fullmatch(r"[A-Z_]+=.*|sudo", words[0]):
        words = words[1:]
    images = [place for place, word in enumerate(words) if IMAGE.fullmatch(word)]
    if words[:2] == ["docker", "run"] and images and program == "fengsui":
        return words[images[0] + 1 :]
    return words[1:] if words and Path(words[0]).name == program else None


@cache
def calls_of(program: str) -> list[tuple[Path, list[str]]]:
    """Each call of `program` in any document, as its words after the program."""
    found = []
    for path in DOCUMENTS:
        for line in shell_lines(path):
            for part in re.split(r"\s*(?:&&|\|\||\||;)\s*", line):
                words = words_after(program, shlex.split(part))
                if words is not None:
                    found.append((path, words))
    return found


def without_group_options(words: list[str]) -> list[str]:
    """A call from its command on: the options before it belong to `fengsui` itself and take a value."""
    known = {option for parameter in main.params for option in parameter.opts}
    while words and words[0].startswith("-"):
        assert words[0] in known, f"fengsui has no option {words[0]}"
        words = words[2:]
    return words


def commands_of(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its words after ``fengsui``."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in commands_of(command))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield name, command


COMMANDS = dict(commands_of(main))


def command_names() -> list[str]:
    """Commands by their words: ``check``, ``audit verify``."""
    return list(COMMANDS)


def named_in(words: list[str]) -> str:
    """The command that the words of a call begin with; the first word where there is none."""
    name = next((name for name in COMMANDS if words[: len(name.split())] == name.split()), None)
    return name or " ".join(words[:1])


def told(language: str) -> str:
    """The README and all pages of a language but the one on hazards."""
    place = LANGUAGES.index(language)
    pages = [pair[place] for pair in PAIRS if pair != REFERENCES]
    return "\n".join(path.read_text("utf-8") for path in pages)


def test_every_page_has_both_languages():
    """A page that only one reader can read is half a page."""
    assert {page for pair in PAIRS for page in pair} == {*READMES, *(ROOT / "docs").glob("*.md")}


def keys_of(block: type) -> list[str]:
    """Keys that a block of configuration can have."""
    return [item.name for item in fields(block) if item.init]


def call_name(value: object) -> str:
    """A documented call as it was written."""
    return " ".join(value) if isinstance(value, list) else getattr(value, "name", "")


@pytest.mark.parametrize(("path", "words"), calls_of("fengsui"), ids=call_name)
def test_a_documented_command_can_be_typed(path: Path, words: list[str]):
    """`fengsui COMMAND` of a document is taken as written, with every argument and option."""
    typed = without_group_options(words)
    name = named_in(typed)
    assert name in COMMANDS, f"{path.name}: there is no `fengsui {name}`"
    with COMMANDS[name].make_context(name, typed[len(name.split()) :]):
        pass


@pytest.mark.parametrize(("path", "words"), calls_of("make"), ids=call_name)
def test_a_documented_target_exists(path: Path, words: list[str]):
    """`make TARGET` of a shell block is a target of the Makefile."""
    asked = {word for word in words if "=" not in word and not PLACEHOLDER.fullmatch(word)}
    assert asked <= targets(), path.name


def targets() -> set[str]:
    """Targets of the Makefile that people may ask for."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_target_named_in_a_sentence_exists(path: Path):
    """`make TARGET` in running text is a target as well."""
    named = re.findall(r"`make ([a-z]+)[^`]*`", path.read_text("utf-8"))
    assert set(named) <= targets()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_command_named_in_a_sentence_exists(path: Path):
    """`fengsui COMMAND` in running text is a command as well."""
    named = re.findall(r"`fengsui ([a-z][a-z-]*(?: [a-z][a-z-]*)?)[^`]*`", path.read_text("utf-8"))
    found = [named_in(name.split()) for name in named]
    assert set(found) <= {*COMMANDS, *(name.partition(" ")[0] for name in COMMANDS)}


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_a_readme_starts_the_demo_and_the_tests(path: Path):
    """Whoever opens the project finds what to type."""
    assert {"make run", "make test"} <= set(shell_lines(path))


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
@pytest.mark.parametrize("name", command_names())
def test_every_command_is_shown(name: str, path: Path):
    """Each command of `fengsui` stands in a shell block of each README."""
    shown = [without_group_options(words) for where, words in calls_of("fengsui") if where == path]
    assert name in map(named_in, shown)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", command_names())
def test_every_option_is_named(name: str, language: str):
    """Each option of a command is named in each language."""
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    long = {option for option in options if option.startswith("--")}
    assert {option for option in long if not re.search(rf"{option}\b", told(language))} == set()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_target_is_named(path: Path):
    """Each target of the Makefile but `help`, which lists them, is named in each README."""
    text = path.read_text("utf-8")
    assert {name for name in targets() if not re.search(rf"make {name}\b", text)} <= {"help"}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].stem)
def test_both_languages_say_the_same(pair: list[Path]):
    """They show the same commands, code, examples and sections; only the sentences differ."""
    chinese, english = pair
    assert shell_lines(chinese) == shell_lines(english)
    for language in ("python", "yaml", "json", "ini", "text"):
        assert fenced(chinese, language) == fenced(english, language), language
    levels = [re.findall(r"^#+", path.read_text("utf-8"), re.M) for path in pair]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("name", command_names())
def test_every_command_explains_itself_with_an_example(name: str):
    """--help says what the command does and shows it."""
    done = CliRunner().invoke(main, [*name.split(), "--help"])
    assert done.exit_code == 0
    said = re.sub(r"\s+", " ", done.output.partition("\n")[2])
    assert f"fengsui {name}" in said, "add an example to the help"


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.sort)
def test_every_kind_is_documented(registry, path: Path):
    """A kind that configuration can name is told of in each README."""
    text = path.read_text("utf-8")
    assert [kind for kind in registry.kinds if f"`{kind}`" not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_every_key_is_documented(block: type, language: str):
    """A key that configuration can write is told of in each language."""
    assert untold(block, told(language)) == []


@pytest.mark.parametrize("path", CHANNELS, ids=lambda path: path.name)
@pytest.mark.parametrize(("kind", "block"), SENDERS, ids=lambda part: getattr(part, "__name__", part))
def test_every_key_of_a_channel_is_documented(kind: str, block: type, path: Path):
    """The section of a kind of channel tells of its keys."""
    assert untold(block, section(path, kind)) == [], f"tell of them in the section {kind} of {path.name}"


@pytest.mark.parametrize("path", CHANNELS, ids=lambda path: path.name)
@pytest.mark.parametrize("kind", channel.kinds)
def test_every_kind_of_channel_has_an_example(kind: str, path: Path):
    """The section of a kind shows a block of it."""
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", section(path, kind), re.S)]
    assert kind in {item["kind"] for block in blocks for item in block.values()}


@pytest.mark.parametrize("path", CHANNELS, ids=lambda path: path.name)
def test_keys_of_every_channel_are_documented(path: Path):
    """What all channels share is told once, before the first kind, and where a secret is kept."""
    shared = re.split(r"^## ", path.read_text("utf-8"), flags=re.M)[1]
    assert [key for block in (ChannelKeys, Secret) for key in untold(block, shared)] == []


@pytest.mark.parametrize("path", DUTY, ids=lambda path: path.name)
@pytest.mark.parametrize("block", with_its_blocks(Roster), ids=lambda block: block.__name__)
def test_every_key_of_the_roster_is_documented(block: type, path: Path):
    """The section of routes.yaml tells of people, rotas, calls and approvals in full."""
    assert untold(block, section(path, "routes.yaml")) == []


@pytest.mark.parametrize("path", DUTY, ids=lambda path: path.name)
@pytest.mark.parametrize("block", with_its_blocks(Drill), ids=lambda block: block.__name__)
def test_every_key_of_a_drill_is_documented(block: type, path: Path):
    """The section of drills tells of their files in full."""
    told_elsewhere = {"zh", "en"}
    assert set(untold(block, section(path, "drills/*.yaml"))) <= told_elsewhere


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.name)
@pytest.mark.parametrize(("kind", "block"), RULES, ids=lambda part: getattr(part, "__name__", part))
def test_every_key_of_a_hazard_is_documented(kind: str, block: type, path: Path):
    """The section of a kind tells of its own keys and of those of its rungs and other nested blocks."""
    common = {key for shared in (Rung, Rising, Falling) for key in keys_of(shared)}
    told = [key for key in untold(block, section(path, kind)) if key not in common]
    assert told == [], f"tell of them in the section {kind} of {path.name}"


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.name)
def test_keys_of_every_rung_are_documented(path: Path):
    """What all rungs share is told once, before the first kind."""
    shared = re.split(r"^## ", path.read_text("utf-8"), flags=re.M)[1]
    assert [key for rung in (Rung, Rising, Falling) for key in untold(rung, shared)] == []


def test_a_nested_block_cannot_be_forgotten():
    """A dataclass two types deep in a kind is found, and so are the keys it inherits."""

    @dataclass(frozen=True, kw_only=True)
    class Inner(Rung):
        lull: Duration

    @dataclass(frozen=True, kw_only=True)
    class Outer:
        ladder: dict[str, tuple[Inner, ...] | None]

    assert [block.__name__ for block in with_its_blocks(Outer)] == ["Outer", "Inner"]
    assert untold(Inner, "`hold`, `lulled`") == ["keep", "lull"]


def untold(block: type, text: str) -> list[str]:
    """Keys of a block that a text does not name in code marks."""
    return [key for key in keys_of(block) if not re.search(rf"`{key}\b[^`]*`", text)]


def section(path: Path, kind: str) -> str:
    """The section of a document whose heading ends with the name of a kind."""
    heading = rf"^## [^\n]*`{re.escape(kind)}`\n(.*?)(?=^## |\Z)"
    found = re.search(heading, path.read_text("utf-8"), re.M | re.S)
    assert found, f"{path.name} has no section that ends with `{kind}`"
    return found[1]


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_hazard_has_its_row(name: str, path: Path):
    """The table of hazards tells name, kind and levels as the configuration has them."""
    block = yaml.safe_load(SHIPPED[name].read_text("utf-8"))
    row = re.search(rf"^\| `{name}` \|.*$", path.read_text("utf-8"), re.M)
    assert row, f"add a row for {name}"
    levels = "".join(level.zh[0] for level in Level if level.key in block["ladder"])
    assert all(told in row[0] for told in (block["name"], f"| `{block['kind']}` |", f"| {levels} |"))


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.name)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_threshold_is_documented(name: str, path: Path):
    """The section of its kind shows each figure of a shipped ladder."""
    block = yaml.safe_load(SHIPPED[name].read_text("utf-8"))
    text = section(path, block["kind"])
    assert f"`{name}`" in text
    assert {figure for figure in figures_of(block["ladder"]) if not re.search(figure, text)} == set()


def figures_of(ladder: object) -> Iterator[str]:
    """Patterns of the figures of a ladder, as people write them: ``50``, ``-1.5``, ``12h``."""
    if isinstance(ladder, dict | list):
        for part in ladder.values() if isinstance(ladder, dict) else ladder:
            yield from figures_of(part)
    else:
        shown = ladder if isinstance(ladder, str) else f"{ladder:g}"
        yield rf"(?<![\d.-]){re.escape(shown)}(?![\d.]*\d)"


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_file_of_the_configuration_is_documented(path: Path):
    """Whoever has run `fengsui init` finds each file explained."""
    text = path.read_text("utf-8")
    names = [
        file.name if file.parent == default_folder() else f"{file.parent.name}/*.yaml"
        for file in default_folder().rglob("*") if file.is_file()
    ]
    assert {name for name in names if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_variable_is_documented(path: Path):
    """Each FENGSUI_ variable that is read is told of in each README."""
    variables = set(re.findall(r"FENGSUI_[A-Z_]+", (ROOT / "pipeline/settings.py").read_text()))
    assert {name for name in variables if f"`{name}`" not in path.read_text("utf-8")} == set()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_every_reason_is_documented(path: Path):
    """Who reads a replay or a webhook finds each reason of a change."""
    text = path.read_text("utf-8")
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in text] == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_form_of_a_replay_is_documented(path: Path):
    """The example has the keys that `fengsui replay --json` writes, in their order."""
    change, row = fakes.change(), fakes.delivery()
    found = {"transitions": (change,), "deliveries": (row,), "start": fakes.AT, "end": fakes.AT}
    replay = Replay(event="e", ticks=1, elapsed_s=0.0, **found)
    written = as_json(replay, fakes.texts(), "zh")
    assert key_tree(json.loads(fenced(path, "json")[0])) == key_tree(written)


def key_tree(value: object) -> object:
    """Keys of nested JSON, without the towns, which are data."""
    if isinstance(value, dict):
        return [(key, None if key == "places" else key_tree(part)) for key, part in value.items()]
    return [key_tree(part) for part in value[:1]] if isinstance(value, list) else None


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.name)
def test_an_example_of_configuration_loads(path: Path, tmp_path: Path):
    """A YAML block that names its file replaces that file, or with … adds to it, without a mistake."""
    for number, block in enumerate(fenced(path, "ya?ml")):
        file = re.match(r"# config/(\S+\.yaml)( …)?\n", block)
        assert file, "begin the block with # config/FILE.yaml"
        folder = tmp_path / str(number)
        shutil.copytree(default_folder(), folder)
        target = folder / file[1]
        target.write_text(with_more(target, block) if file[2] else block, encoding="utf-8")
        load(folder)


def with_more(path: Path, block: str) -> str:
    """A file of the configuration with the keys of an example added to its own."""
    whole = joined(yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(block))
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False)


def joined(one: Any, other: Any) -> Any:
    """Nested mappings as one; where both have a key, the other's counts."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    return {**one, **{key: joined(one.get(key), value) for key, value in other.items()}}


@pytest.mark.parametrize("name", ["channels.yaml", "service.yaml"])
def test_an_example_in_a_comment_loads(name: str, tmp_path: Path):
    """What the shipped configuration shows as comments can be taken into it as it stands."""
    lines = (default_folder() / name).read_text("utf-8").splitlines()
    shown = [line[2:] for line in lines if re.match(r"# (?:  \S|[a-z_]+:(?: \S+)?$)", line)]
    assert len(shown) > 3
    folder = tmp_path / "config"
    shutil.copytree(default_folder(), folder)
    (folder / name).write_text(with_more(folder / name, "\n".join(shown)), encoding="utf-8")
    load(folder)


def test_every_dependency_has_its_reason():
    """DESIGN.md says of each package why it is there."""
    text = (ROOT / "DESIGN.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    named = {re.split(r"[\[><=~! ]", requirement)[0] for requirement in wanted}
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_a_decision_has_its_date():
    """Each paragraph under Decisions begins with a date and a title."""
    text = (ROOT / "DESIGN.md").read_text("utf-8")
    decisions = text.partition("## Decisions\n")[2].partition("\n## ")[0]
    decisions = re.sub(r"<!--.*?-->\n*", "", decisions, flags=re.S).strip()
    paragraphs = [part for part in decisions.split("\n\n") if not part.lstrip().startswith("###")]
    assert len(paragraphs) >= 30
    wrong = [part for part in paragraphs if not re.match(r"\s*\d{4}-\d\d-\d\d · \*\*.+?\*\* \S", part)]
    assert wrong == []


def links_of(path: Path) -> list[str]:
    """Targets of the relative links of a document."""
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
    return [link for link in links if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_leads_somewhere(path: Path):
    """Every relative link of a document is a file of the checkout."""
    assert [link for link in links_of(path) if not (path.parent / link).exists()] == []


def anchors(path: Path) -> set[str]:
    """What links can name in a document: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_leads_to_a_section(path: Path):
    """What a relative link names behind # is a heading of the document it leads to."""
    links = re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)", path.read_text("utf-8"))
    aims = [(path.parent / page if page else path, anchor) for page, anchor in links]
    assert [anchor for page, anchor in aims if anchor not in anchors(page)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_path_named_in_a_sentence_exists(path: Path):
    """A file of the checkout that a document names by its path is there."""
    named = re.findall(r"`((?:ingest|rules|alerts|pipeline|tests|config)/[\w./-]*)`", path.read_text("utf-8"))
    assert [name for name in named if not PLACEHOLDER.search(name) and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_an_example_can_be_read(path: Path):
    """Every fenced block of YAML, JSON or Python follows the grammar of its language."""
    assert all(yaml.safe_load(block) for block in fenced(path, "ya?ml"))
    assert all(json.loads(block) for block in fenced(path, "json"))
    assert all(ast.parse(block) for block in fenced(path, "python"))
