"""Reading YAML: encodings, places of keys and values, and every way in which a text is no scenario."""

from __future__ import annotations

import codecs

import pytest

from cordgraft.core.problems import BadInput, Problem
from cordgraft.scenario.document import Document, address, decode, parse, parse_value
from cordgraft.scenario.overrides import apply

TEXT = "kind: scenario\ngeometry:\n  voxel: 25 µm   # edge\nrecord: {maps: [3 d, 14 d]}\n"


def refusal(text: str) -> Problem:
    with pytest.raises(BadInput) as caught:
        parse(text, "a.yaml")
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16-be", "utf-16-le bare", "utf-16-be bare", "crlf"],
)
def test_encodings_give_one_document(data: bytes) -> None:
    document = parse(decode(data, "a.yaml"), "a.yaml")
    assert document.data == parse(TEXT, "a.yaml").data
    assert document.data["geometry"] == {"voxel": "25 µm"}


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(BadInput) as caught:
        decode(b"kind: scenario\ntitle: 5 \xb5m\n", "a.yaml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column, problem.value) == (2, 10, "byte 0xb5")


def test_places_of_keys_values_and_items() -> None:
    document = parse(TEXT, "a.yaml")
    value, key = document.place(("geometry", "voxel")), document.place(("geometry", "voxel"), key=True)
    assert (value.line, value.column, value.written) == (3, 10, "25 µm")
    assert (key.line, key.column) == (3, 3)
    item = document.place(("record", "maps", 1))
    assert (item.line, item.column) == (4, 22)
    nowhere = document.place(("geometry", "length"))
    assert (nowhere.line, nowhere.column) == (2, 1), "the key of the map around it"
    assert address(("record", "maps", 1)) == "record.maps[1]"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("-5", -5), ("5.5", 5.5), ("5e5", 5e5), (".5", 0.5), ("true", True), ("null", None), ("~", None),
        ("", None), ("no", "no"), ("on", "on"), ("012", 12), ("0x1f", "0x1f"), ("2024-01-31", "2024-01-31"),
        (".inf", ".inf"), ("1_000", "1_000"), ("12:30", "12:30"), ("'5'", "5"), ("5 um", "5 um"), ("30 %", "30 %"),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says_and_nothing_is_a_date(text: str, value: object) -> None:
    found = parse(f"key: {text}\n", "a.yaml").data["key"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "tab"),
        ("a:\n  b: 1\n\t c: 2\n", 3, 1, "tab"),
        ("a: b: c\n", 1, 5, "second colon"),
        ("a: [1,\n", 2, 1, "a bracket is not closed"),
        ("a: 1\nb: [1\nc: 2\n", 3, 2, "a comma or a closing bracket is missing"),
        ("a: 'x\nb: 1\n", 1, 4, "a quotation mark is not closed"),
        ("a: 1\n b: 2\n", 2, 3, "indented more than the one it belongs to"),
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "indented like none"),
        ("a:\tb\n", 1, 3, "a tab stands where spaces"),
        ("abc\nd: 1\n", 2, 2, "no YAML"),
        ("a: " + "[" * 2000 + "]" * 2000, 0, 0, "nested too deeply"),
        ("a: *b\n", 1, 4, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, 1, "one scenario per file"),
        ("- a\n", 1, 1, "top level is not a map"),
        ("word\n", 1, 1, "top level is not a map"),
        ("%YAML 1.1\n---\na: no\n", 1, 1, "only YAML 1.2"),
        ("a: 1\nb: \x01\n", 2, 4, "control character"),
        ("", 0, 0, "empty"),
        ("# nothing\n", 0, 0, "empty"),
    ],
)
def test_what_is_no_scenario_is_refused_with_its_place(text: str, line: int, column: int, says: str) -> None:
    problem = refusal(text)
    assert (problem.line, problem.column) == (line, column)
    assert says in problem.message and problem.file == "a.yaml"


def test_all_duplicate_keys_are_reported() -> None:
    document = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "a.yaml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [(p.key, p.line, p.column) for p in document.problems] == [("b.c", 2, 11), ("a", 3, 1)]
    assert "first in line 1" in document.problems[1].message


def test_tags_and_keys_that_are_no_words_are_reported() -> None:
    document = parse("a: !!python/object:os.system x\n? [1]\n: 2\n", "a.yaml")
    assert [p.line for p in document.problems] == [1, 2]


def test_a_file_too_large_for_a_scenario_is_not_parsed() -> None:
    with pytest.raises(BadInput, match="too large for a scenario"):
        decode(b"# x\n" * 200_000, "a.yaml")


def test_maps_are_not_merged_quietly() -> None:
    document = parse("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "a.yaml")
    assert document.data["c"] == {"d": 2}
    assert [(p.key, p.line, p.column) for p in document.problems] == [("c.<<", 3, 3)]


def test_a_long_value_is_cut_in_messages() -> None:
    document = parse(f"a: {'x' * 300}\n'{'k' * 90}': 1\n", "a.yaml")
    assert document.place(("a",)).written == "x" * 60 + "..."
    assert len(str(document.data["a"])) == 300


def test_an_alias_that_holds_itself_ends() -> None:
    assert "more than any scenario needs" in refusal("a: &x [*x]\n").message


def test_an_alias_stands_for_its_anchor() -> None:
    assert parse("a: &x {b: 1}\nc: *x\n", "a.yaml").data["c"] == {"b": 1}


def settings(*sets: str, text: str = TEXT) -> tuple[Document, list[Problem]]:
    document = parse(text, "a.yaml")
    return document, apply(document, sets)


def test_a_setting_replaces_a_value_and_its_place() -> None:
    document, problems = settings("geometry.voxel=50um")
    assert problems == [] and document.data["geometry"]["voxel"] == "50um"
    place = document.place(("geometry", "voxel"))
    assert (place.file, place.line, place.written) == ("--set", 0, "50um")


def test_maps_that_a_setting_makes_stand_where_the_setting_stands() -> None:
    document, _ = settings("scar.enabled=false")
    assert document.place(("scar",), key=True).file == "--set"


def test_a_setting_makes_the_maps_on_its_way() -> None:
    document, problems = settings("treatments.graft.dose=1e5 cells", "treatments.graft.at=9 d", text="a: 1\n")
    assert problems == []
    assert document.data["treatments"] == {"graft": {"dose": "1e5 cells", "at": "9 d"}}


def test_a_setting_replaces_none_and_a_whole_section() -> None:
    document, problems = settings("treatments.graft.type=cell_graft", text="treatments: none\n")
    assert problems == [] and document.data["treatments"] == {"graft": {"type": "cell_graft"}}
    document, problems = settings("geometry=none")
    assert problems == [] and document.data["geometry"] == "none"
    assert document.place(("geometry", "voxel")).file == "--set", "places of what was replaced are gone"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[3 d, 14 d]", ["3 d", "14 d"]),
        ("{a: 1}", {"a": 1}),
        ("C:/masks/my cord: #1.nii", "C:/masks/my cord: #1.nii"),
        ('"7"', "7"),
        ("7", 7),
        ("true", True),
        ("x=y", "x=y"),
    ],
)
def test_values_of_settings(text: str, value: object) -> None:
    assert parse_value(text, "--set").data["value"] == value
    document, problems = settings(f"some.key={text}")
    assert problems == [] and document.data["some"]["key"] == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("geometry.voxel", "an address, an equals sign and a value"),
        ("=5", "an address, an equals sign and a value"),
        ("a..b=5", "an address, an equals sign and a value"),
        ("geometry.voxel=", "the value is missing"),
        ("kind.x=5", "kind is one value"),
        ("record.maps.0=5 d", "record.maps is a list, which is set as a whole"),
        ("record.maps=[3 d,", "the value is no YAML: a bracket is not closed"),
    ],
)
def test_settings_that_cannot_be_understood(text: str, says: str) -> None:
    _, problems = settings(text, "seed=4")
    assert len(problems) == 1 and problems[0].file == "--set" and says in problems[0].message
