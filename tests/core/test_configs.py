"""Configurations become plain data, and what a person writes into a file is checked by its full path."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.configs import Range, dump_yaml, load_yaml, override, restored, to_plain
from roarm_lab.core.errors import BadInputError, UnknownNameError


@dataclass(frozen=True)
class Part:
    """A part with one field of each kind."""

    weight: float = 1.0
    steps: int = 3
    on: bool = True
    name: str = "near"
    joints: tuple[str, ...] = ("base", "elbow")
    point_m: tuple[float, float, float] = (0.1, 0.2, 0.3)
    span: Range = Range(0.0, 1.0)

    def __post_init__(self) -> None:
        if self.weight < 0.0:
            raise BadInputError(f"the weight must not be negative, got {self.weight}")


@dataclass(frozen=True)
class Whole:
    """A part within a part, and a table of parts."""

    part: Part = Part()
    table: Mapping[str, Part] = field(default_factory=lambda: {"a": Part(), "b": Part(weight=2.0)})
    limit_s: float = math.inf


WHOLE = Whole(limit_s=2.0)


def changed(changes: object) -> Whole:
    return override(Whole(), changes, "file.yaml")


# Ranges


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan), (-math.inf, 0.0), (0.0, math.inf)]
)
def test_a_range_needs_finite_ends_in_order(low: float, high: float) -> None:
    with pytest.raises(BadInputError, match=f"finite low <= high, got low = {low}, high = {high}"):
        Range(low, high)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_any_two_numbers_in_order_are_a_range(one: float, other: float) -> None:
    assert Range(min(one, other), max(one, other)).low <= max(one, other)


# Plain data


def test_a_dataclass_becomes_a_mapping_with_its_kind() -> None:
    plain = to_plain(Whole())
    assert plain["kind"] == "Whole"
    assert plain["part"]["point_m"] == [0.1, 0.2, 0.3]
    assert plain["part"]["span"] == {"kind": "Range", "low": 0.0, "high": 1.0}
    assert list(plain["table"]) == ["a", "b"]
    assert plain["table"]["b"]["weight"] == 2.0
    assert plain["limit_s"] == "inf"
    json.dumps(plain, allow_nan=False)


def test_what_json_has_no_word_for_becomes_text() -> None:
    assert to_plain({"path": Path("a/b"), "nan": math.nan, "low": -math.inf, 3: None}) == {
        "path": "a/b",
        "nan": "nan",
        "low": "-inf",
        "3": None,
    }
    assert to_plain(math.sqrt) == "math:sqrt"
    assert to_plain(Part.__post_init__).endswith("test_configs:Part.__post_init__")


# Files


def test_a_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text("near:\n  weight: 0.5\n'2': two\n")
    assert load_yaml(path) == {"near": {"weight": 0.5}, "2": "two"}


@pytest.mark.parametrize(
    ("key", "value"), [("on", "True"), ("No", "False"), ("2", "2"), ("1e3", "1000.0"), ("~", "None"), ("0x10", "16")]
)
def test_a_name_that_reads_as_something_else_is_refused_by_name(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "station.yaml"
    for text in (f"{key}: usb:0\n", f"cameras:\n  {key}: usb:0\n"):
        path.write_text(text)
        with pytest.raises(BadInputError, match=f"the key {key} reads as {value}, not as a name; .* quotes: '{key}'"):
            load_yaml(path)
    path.write_text(f"cameras:\n  '{key}': usb:0\n")
    assert load_yaml(path) == {"cameras": {key: "usb:0"}}


@pytest.mark.parametrize("text", ["1e100", "1e-3", "on", "1", "1.5", "null", "2026-12-01", "a: b", "", " x", "\u00e9"])
def test_a_text_is_written_so_that_it_is_read_back_as_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "written.yaml"
    path.write_text(dump_yaml({"name": text, "more": {text or "key": [text, 1e-3]}}), encoding="utf-8")
    assert load_yaml(path) == {"name": text, "more": {text or "key": [text, 1e-3]}}


def test_a_mapping_may_take_over_another_one_and_change_it(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert load_yaml(path)["b"] == {"x": 1, "y": 3}


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "1.e-3", "0.1e-2", ".1e-2", "10e-4", "+1e-3"])
def test_numbers_with_an_exponent_need_no_point(tmp_path: Path, text: str) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"rate: {text}\nrange: [{text}, 1e2, 2.5e3]\nplain: 1e-3x\nword: e5\nversion: 1e\n")
    plain = {"plain": "1e-3x", "word": "e5", "version": "1e"}
    assert load_yaml(path) == {"rate": 0.001, "range": [0.001, 100.0, 2500.0], **plain}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "must hold a mapping .* got list"),
        (b"", "is empty; it must hold a mapping"),
        (b"just words", "must hold a mapping .* got str"),
        (b"a: [1, 2", "can not be read as YAML"),
        (b"a: !!python/object:os.system x", "can not be read as YAML"),
        (b"\xff\xfe\x00", "can not be read as YAML"),
        (b"a: 2024-13-01", "can not be read as YAML: month must be in 1..12"),
        (b"a: !!int x", "can not be read as YAML"),
        (b"a: !!bool 7", "can not be read as YAML"),
        (b"a: !!timestamp x", "can not be read as YAML"),
        (b"a: " + b"9" * 5000, "can not be read as YAML"),
        (b"[" * 10_000, "can not be read as YAML"),
        (b"a: 1\nb: 2\na: 3\n", "can not be read as YAML: the key 'a' comes twice"),
        (b"b: {a: 1, a: 1}", "can not be read as YAML: the key 'a' comes twice"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=f"bad.yaml {message}"):
        load_yaml(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"There is no file .*none\.yaml"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(BadInputError, match=r"can not be read: Is a directory\."):
        load_yaml(tmp_path)


# Changes


def test_only_what_is_named_changes() -> None:
    new = changed({"part": {"weight": 0.5, "steps": 7, "on": False, "name": "far"}, "table": {"b": {"steps": 1}}})
    assert new.part == Part(weight=0.5, steps=7, on=False, name="far")
    assert new.table == {"a": Part(), "b": Part(weight=2.0, steps=1)}
    assert Whole().part.weight == 1.0  # the old value is as it was


def test_no_change_is_no_change() -> None:
    assert changed({}) == Whole()
    assert changed({"part": {}, "table": {}}) == Whole()


def test_whole_numbers_are_fine_where_numbers_are_asked() -> None:
    new = changed({"part": {"weight": 2}, "limit_s": 3})
    assert (new.part.weight, type(new.part.weight), new.limit_s) == (2.0, float, 3.0)


def test_tuples_and_ranges_can_be_written_as_lists_and_mappings() -> None:
    new = changed({"part": {"joints": ["wrist", "roll"], "point_m": [1, 2.5, 3], "span": {"high": 2.0}}})
    assert new.part.joints == ("wrist", "roll")
    assert new.part.point_m == (1.0, 2.5, 3.0)
    assert new.part.span == Range(0.0, 2.0)
    assert changed({"part": {"point_m": (1.0, 2.0, 3.0)}}).part.point_m == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prat": {}}, r"file\.yaml has an unknown key 'prat'\. Did you mean 'part'"),
        ({"part": {"wieght": 1.0}}, r"file\.yaml\.part has an unknown key 'wieght'\. Did you mean 'weight'"),
        ({"table": {"c": {}}}, r"file\.yaml\.table has an unknown key 'c'\. .*Known: a, b"),
        ({"part": {"span": {"hihg": 1.0}}}, r"file\.yaml\.part\.span has an unknown key 'hihg'\. Did you mean 'high'"),
    ],
)
def test_an_unknown_key_gets_the_closest(changes: object, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        changed(changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part": {"weight": math.nan}}, r"file\.yaml\.part\.weight must be a finite number, got nan"),
        ({"part": {"weight": math.inf}}, r"file\.yaml\.part\.weight must be a finite number, got inf"),
        ({"part": {"weight": 10**400}}, r"file\.yaml\.part\.weight must be a finite number, got a number of 1329 bits"),
        ({"part": {"steps": "9" * 400}}, r"file\.yaml\.part\.steps must be a whole number, got '9{59}\.\.\.\."),
        ({"part": {"weight": "1.0"}}, r"file\.yaml\.part\.weight must be a number, got '1\.0'"),
        ({"part": {"weight": True}}, r"file\.yaml\.part\.weight must be a number, got True"),
        ({"part": {"weight": None}}, r"file\.yaml\.part\.weight must be a number, got None"),
        ({"part": {"weight": [1.0]}}, r"file\.yaml\.part\.weight must be a number, got \[1\.0\]"),
        ({"part": {"steps": 2.5}}, r"file\.yaml\.part\.steps must be a whole number, got 2\.5"),
        ({"part": {"steps": True}}, r"file\.yaml\.part\.steps must be a whole number, got True"),
        ({"part": {"on": 1}}, r"file\.yaml\.part\.on must be true or false, got 1"),
        ({"part": {"name": 3}}, r"file\.yaml\.part\.name must be text, got 3"),
        ({"part": {"point_m": [1.0, 2.0]}}, r"file\.yaml\.part\.point_m must have 3 values, got 2"),
        ({"part": {"point_m": [1.0, 2.0, math.nan]}}, r"file\.yaml\.part\.point_m\[2\] must be a finite number"),
        ({"part": {"point_m": (1.0, 2.0, math.nan)}}, r"file\.yaml\.part\.point_m\[2\] must be a finite number"),
        ({"part": {"point_m": (1.0, 2.0)}}, r"file\.yaml\.part\.point_m must have 3 values, got 2"),
        ({"part": {"joints": ["base", 2]}}, r"file\.yaml\.part\.joints\[1\] must be text, got 2"),
        ({"part": {"joints": "base"}}, r"file\.yaml\.part\.joints must be a list of 2 values, got 'base'"),
        ({"part": {"span": {"low": 5.0}}}, r"file\.yaml\.part\.span: A range needs finite low <= high, got low = 5\.0"),
        ({"part": {"span": [0.0, 1.0]}}, r"file\.yaml\.part\.span must be a mapping with keys among \['high', 'low'\]"),
        ({"part": {"weight": -1.0}}, r"file\.yaml\.part: the weight must not be negative, got -1\.0"),
        ({"part": 3}, r"file\.yaml\.part must be a mapping with keys among"),
        ({"table": ["a"]}, r"file\.yaml\.table must be a mapping with keys among \['a', 'b'\]"),
        (None, r"file\.yaml must be a mapping"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_full_path(changes: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        changed(changes)


@given(st.floats(min_value=0.0, max_value=1e6), st.integers(-(10**6), 10**6), st.booleans(), st.text())
def test_plain_data_of_a_change_comes_back_as_the_same_value(weight: float, steps: int, on: bool, name: str) -> None:
    wanted = Part(weight=weight, steps=steps, on=on, name=name, span=Range(-1.0, weight))
    plain = json.loads(json.dumps(to_plain(wanted)))
    without_kinds = {
        key: {k: v for k, v in value.items() if k != "kind"} if isinstance(value, dict) else value
        for key, value in plain.items()
        if key != "kind"
    }
    assert override(Part(), without_kinds, "here") == wanted


def test_what_was_written_comes_back_and_what_is_missing_is_said() -> None:
    plain = json.loads(json.dumps(to_plain(WHOLE)))
    assert restored(WHOLE, plain, "meta.json") == WHOLE
    plain["part"]["weight"] = 7.5
    assert restored(WHOLE, plain, "meta.json").part.weight == 7.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain["part"].pop("weight"), r"meta\.json\.part lacks 'weight'; another version may have"),
        (lambda plain: plain["part"]["span"].pop("low"), r"meta\.json\.part\.span lacks 'low'"),
        (lambda plain: plain.pop("part"), r"meta\.json lacks 'part'"),
        (lambda plain: plain["table"].pop("a"), r"meta\.json\.table lacks 'a'"),
        (lambda plain: plain["part"].update(wieght=1.0), r"part has an unknown key 'wieght'\. Did you mean 'weight'"),
        (lambda plain: plain["part"].update(kind="Whole"), r"part must be of the kind 'Part', got 'Whole'"),
        (lambda plain: plain["part"].pop("kind"), r"part must be of the kind 'Part', got None"),
        (lambda plain: plain.update(part=3), r"meta\.json\.part must be a mapping"),
    ],
)
def test_what_was_written_otherwise_is_refused(change: Any, message: str) -> None:
    plain = json.loads(json.dumps(to_plain(WHOLE)))
    change(plain)
    with pytest.raises(BadInputError, match=message):
        restored(WHOLE, plain, "meta.json")
