"""YAML is read with line numbers and without surprises."""

from pathlib import Path

import pytest

from ingest.errors import ConfigMistake
from pipeline.configuration.yaml_lines import DEEPEST, dotted, parse, read


def refusal(text: str) -> str:
    """The sentences a text is refused with."""
    with pytest.raises(ConfigMistake) as caught:
        parse(text, "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("True", "True"),
        ("22:30", "22:30"), ("190:20:30", "190:20:30"), ("2022-08-01", "2022-08-01"),
        ("2022-08-01T08:00:00Z", "2022-08-01T08:00:00Z"),
        ("0500", "0500"), ("0o17", "0o17"), ("0x1F", "0x1F"), ("1_000", "1_000"),
        ("500153001", 500153001), ("-3", -3), ("0", 0), ("40.0", 40.0), (".5", 0.5), ("1e3", 1e3),
        ("'5'", "5"), ('"true"', "true"), ("荣昌", "荣昌"), ("[1, [a]]", [1, ["a"]]), ("{}", {}),
        ("1234567890123456789", "1234567890123456789"), ("=", "="), ("'<<'", "<<"),
    ],
)
def test_a_scalar_means_what_it_looks_like(text: str, value: object) -> None:
    """Only the core schema converts: what looks like a time, date or code stays text."""
    found = parse(f"key: {text}\n", "f.yaml").data["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: is written twice, first on line 1; remove one"),
        ("a:\n  b: 1\n  b: 2\n", "f.yaml:3: a.b: is written twice, first on line 2; remove one"),
        ("a: &x 1\n", "f.yaml:1: a: the anchor &x is not allowed; remove it"),
        ("a: 1\nb: *x\n", "f.yaml:2: b: the alias *x is not allowed; write its value"),
        ("a: !secret x\n", "f.yaml:1: a: tags that begin with ! are not allowed; remove it"),
        ("a: !!set {b}\n", "f.yaml:1: a: tags that begin with ! are not allowed; remove it"),
        ("<<: {a: 1}\n", "f.yaml:1: the merge key << is not allowed; write the keys out"),
        ("a: 1\n2: 3\n", "f.yaml:2: the key 2 is not text; write it in quotes"),
        ("a: 1\ntrue: 3\n", "f.yaml:2: the key true is not text; write it in quotes"),
        ("[a]: 1\n", "f.yaml:1: a key must be text, not a list, a block or an alias; write a name"),
        ("a: -.inf\n", "f.yaml:1: a: -.inf is not finite; write a number such as 40.0"),
        ("a: [.nan]\n", "f.yaml:1: a[0]: .nan is not finite; write a number such as 40.0"),
        ("", "f.yaml:1: the file is empty; write its keys or remove it"),
        ("# nothing\n", "f.yaml:1: the file is empty; write its keys or remove it"),
        ("5\n", "f.yaml:1: the file must hold keys such as name: value"),
        ("null\n", "f.yaml:1: the file must hold keys such as name: value"),
        ("a: 1\nb: \x01\n", "f.yaml:2: holds a control character; remove it"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here; remove the --- above it"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, sentence: str) -> None:
    """Each refusal names file, line and remedy."""
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: b: c", 1), ("a: 1\nb: [1, 2\nc: 3\n", 3), ("a:\n\t- b\n", 2), ("a: @b\n", 1),
     ("a: 1\nb: 'open\n", 2), ("a: }\n", 1), ("- a\nb: 1\n", 2)],
)
def test_broken_yaml_names_its_line(text: str, line: int) -> None:
    """What the parser cannot read is told with the line where it stumbled."""
    assert refusal(text).startswith(f"f.yaml:{line}: broken YAML, ")
    assert "\n" not in refusal(text)


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """One look at the file is enough to mend it."""
    assert len(refusal("a: &x 1\na: *x\nb: .nan\n").splitlines()) == 4


@pytest.mark.parametrize("nested", ["[" * 100_000, "[" * 40 + "]" * 40, "{a: " * 40 + "}" * 40])
def test_endless_nesting_is_refused(nested: str) -> None:
    """A hostile file cannot exhaust the stack."""
    assert 0 < DEEPEST < 40
    assert refusal(f"a: {nested}").endswith("is nested too deep")


@pytest.mark.parametrize(
    ("trail", "line"),
    [(("a",), 1), (("a", "b"), 2), (("a", "c", 1), 5), (("a", "c", 1, "d"), 5), ((), 1),
     (("a", "missing"), 1), (("a", "c", 9), 3), (("e",), 6)],
)
def test_a_line_is_known_for_every_key_and_item(trail: tuple[str | int, ...], line: int) -> None:
    """A value that is not there has the line of the block it belongs to."""
    document = parse("a:\n  b: 1\n  c:\n    - x\n    - d: 2\n'e': 3\n", "f.yaml")
    assert document.line(trail) == line


def test_a_trail_reads_like_a_path() -> None:
    """Keys are joined by dots, positions stand in brackets."""
    assert dotted(("towns", 3, "lat")) == "towns[3].lat"
    assert dotted(()) == ""


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    """Editors on Windows put one there."""
    path = tmp_path / "f.yaml"
    path.write_bytes("a: 荣昌\n".encode("utf-8-sig"))
    assert read(path).data == {"a": "荣昌"}


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    """GBK is still the default of some editors."""
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: " + "荣昌".encode("gbk"))
    with pytest.raises(ConfigMistake, match=r":2: is not UTF-8; save the file as UTF-8"):
        read(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """No traceback of the operating system."""
    with pytest.raises(ConfigMistake, match=r"f\.yaml: the file is missing; add it"):
        read(tmp_path / "f.yaml")


def test_a_folder_in_place_of_a_file_is_a_sentence(tmp_path: Path) -> None:
    """Whatever the operating system refuses is told in its words, with a remedy."""
    with pytest.raises(ConfigMistake, match=r"cannot be read \(is a directory\); mend it"):
        read(tmp_path)
