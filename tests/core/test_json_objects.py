"""Files of ours are read strictly, and every unknown key is told in the same words."""

from pathlib import Path
from typing import Any

import pytest

from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.core.json_objects import check_keys, check_schema, parse_object, read_object


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json can not be read: it is not valid JSON"),
        ("[" * 100_000, "a.json can not be read: it is not valid JSON"),
        ("[1]", "a.json must hold a JSON object, got list"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": [-Infinity]}', "-Infinity is not a number"),
        ('{"a": 1, "a": 1}', "the key 'a' comes twice"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' comes twice"),
    ],
)
def test_what_python_reads_and_json_is_not_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_object(text, "a.json")


def test_a_file_is_read_and_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": {"b": [1, 2.5, null, true]}}')
    assert read_object(tmp_path / "a.json") == {"a": {"b": [1, 2.5, None, True]}}
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    for name in ("b.json", "c.json"):
        with pytest.raises(BadInputError, match=f"{name} can not be read"):
            read_object(tmp_path / name)


@pytest.mark.parametrize("schema", [None, True, False, 1.0, 2.0, "1", 0, 3, [1]])
def test_only_a_whole_number_that_is_known_is_a_schema(schema: Any) -> None:
    with pytest.raises(BadInputError, match=r"a.json has schema .*; this version of RoArm Lab reads 1 and 2\."):
        check_schema({"schema": schema}, "a.json", 1, 2)
    assert check_schema({"schema": 2}, "a.json", 1, 2) == 2


def test_an_unknown_key_is_told_with_the_closest_and_with_all_there_are() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        check_keys({"gama": 1}, "g.yaml", ("gamma",), ("epochs",))
    assert str(caught.value) == "g.yaml has an unknown key 'gama'. Did you mean 'gamma'? Known: epochs, gamma."
    assert caught.value.exit_code == 2
    with pytest.raises(UnknownKeyError, match=r"^g.yaml has an unknown key 'x'. Known: gamma\.$"):
        check_keys({"x": 1}, "g.yaml", ("gamma",))


def test_a_missing_key_is_named_and_an_optional_one_is_not() -> None:
    check_keys({"a": 1}, "a.json", ("a",), ("b",))
    with pytest.raises(BadInputError, match="a.json is damaged: it lacks 'a', 'c'"):
        check_keys({}, "a.json", ("a", "c"), ("b",))
