"""Numbers as people read them."""

import pytest

from roarm_lab.view import formatting


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.96875, "96.9 %"),
        (1.0, "100.0 %"),
        (0.0, "0.0 %"),
        (0.9996, "99.96 %"),
        (1999 / 2000, "99.95 %"),
        (1e-17, "0.0 %"),
        (1.0 - 1e-16, "100.0 %"),
        (1e-5, "0.001 %"),
    ],
)
def test_a_share_is_only_called_0_or_100_percent_when_it_is(share: float, text: str) -> None:
    assert formatting.percent(share) == text.replace(" ", formatting.SPACE)


def test_an_interval_has_its_unit_once() -> None:
    assert formatting.percent_range((0.95, 0.9812)) == f"95.0 to 98.1{formatting.SPACE}%"


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0.04, "0.0 s"),
        (59.4, "59.4 s"),
        (60.0, "1 min 0 s"),
        (221.7, "3 min 42 s"),
        (3599.7, "1 h 0 min"),
        (7384.0, "2 h 3 min"),
    ],
)
def test_a_duration_has_its_two_largest_units(time_s: float, text: str) -> None:
    assert formatting.duration(time_s).replace(formatting.SPACE, " ") == text


@pytest.mark.parametrize(
    ("length_m", "text"),
    [(0.0062, "6.2 mm"), (0.00996, "10 mm"), (0.0138, "14 mm"), (0.347, "0.35 m"), (0.0, "0.0 mm")],
)
def test_a_distance_is_in_millimetres_until_10_cm(length_m: float, text: str) -> None:
    assert formatting.distance(length_m) == text.replace(" ", formatting.SPACE)


@pytest.mark.parametrize(("length_m", "text"), [(0.02, "2 cm"), (0.005, "5 mm"), (0.015, "1.5 cm"), (1.5, "1.5 m")])
def test_a_tolerance_is_a_short_number(length_m: float, text: str) -> None:
    assert formatting.tolerance(length_m) == text.replace(" ", formatting.SPACE)


def test_counts_have_their_thousands_apart_and_the_right_noun() -> None:
    assert formatting.count(753_664) == "753\u202f664"
    assert formatting.plural(1, "episode") == f"1{formatting.SPACE}episode"
    assert formatting.plural(0, "success", "successes") == f"0{formatting.SPACE}successes"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0841, "0.084"), (2.37, "2.4"), (0.0, "0"), (17.0, "17"), (1.5e-9, "1.5e-09"), (-0.5, "-0.50")],
)
def test_significant_digits(value: float, text: str) -> None:
    assert formatting.significant(value, 2) == text


def test_a_signed_number_has_a_real_minus() -> None:
    assert [formatting.signed(value) for value in (0.2112, -0.00154, -0.25)] == [
        "+0.211",
        "\u22120.0015",
        "\u22120.250",
    ]
