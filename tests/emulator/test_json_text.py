"""Numbers, documents and fields as the firmware writes and reads them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.emulator.json_text import Command, number_text, object_text, parsed

NINE_DIGITS = 1.1e-9  # nine decimals below 10, and rounding of the last


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (346.16, "346.16"),
        (1.0, "1"),
        (0.9999999999, "1"),
        (math.pi, "3.141592654"),
        (-12.3456789012, "-12.3456789"),
        (123456.789, "123456.789"),
        (0.00001, "1e-5"),
        (0.00002, "0.00002"),
        (-7.002530398e-15, "-7.002530398e-15"),
        (1e7, "1e7"),
        (12345678.0, "1.2345678e7"),
        (float("nan"), "null"),
        (float("inf"), "null"),
        (7, "7"),
    ],
)
def test_a_number_is_printed_as_the_firmware_does(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(-1e6, 1e6))
def test_a_printed_number_reads_back_to_nine_digits(value: float) -> None:
    assert float(number_text(value)) == pytest.approx(value, rel=NINE_DIGITS, abs=NINE_DIGITS)


@pytest.mark.parametrize("line", ["", "{", '{"T":', "hello", '{"T":102,}', '{"T":NaN}', "}"])
def test_a_malformed_line_is_not_understood(line: str) -> None:
    assert parsed(line) is None


def test_what_follows_a_document_and_blanks_around_it_do_not_matter() -> None:
    assert parsed(' {"T": 105}\r garbage') == {"T": 105}


def test_a_value_that_is_no_object_has_no_members() -> None:
    assert parsed("5") == {}
    assert Command({}).code == 0


def test_the_older_document_holds_a_long_motion_but_not_two() -> None:
    line = object_text({"T": 122, "b": 0, "s": 0, "e": 90, "t": 0, "r": 0, "h": 180, "spd": 10, "acc": 5})
    assert parsed(line, 256) == json.loads(line)
    assert parsed(object_text({f"member{n}": 0 for n in range(16)}), 256) is None  # 16 slots fill it, names come on top


@pytest.mark.parametrize(
    ("value", "as_u8", "as_u16", "as_real"),
    [
        (20, 20, 20, 20.0),
        (2.9, 2, 2, 2.9),
        (-0.9, 0, 0, -0.9),
        (256, 0, 256, 256.0),
        (65536, 0, 0, 65536.0),
        (-1, 0, 0, -1.0),
        (True, 1, 1, 1.0),
        (None, 0, 0, 0.0),
        ("12", 12, 12, 12.0),
        ("fast", 0, 0, 0.0),
        ([1], 0, 0, 0.0),
    ],
)
def test_a_field_becomes_the_type_that_the_firmware_reads(
    value: object, as_u8: int, as_u16: int, as_real: float
) -> None:
    command = Command({"field": value})
    assert (command.u8("field"), command.u16("field"), command.real("field")) == (as_u8, as_u16, as_real)


def test_a_missing_field_reads_as_0() -> None:
    assert (Command({}).i32("x"), Command({}).real("x"), Command({}).text("x")) == (0, 0.0, "")
