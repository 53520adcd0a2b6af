"""Numbers as people read them: rounded to what matters, with their unit."""

from math import floor, log10

SPACE = "\u00a0"
"""Between number and unit: the line does not break there."""
ROUNDING = 1e-9
"""Closer to 0 or 1 than this, a share is meant to be 0 or 1: an interval may end at 1e-17."""


def percent(share: float) -> str:
    """Return a share (0 to 1) in percent with one digit, more where 0 or 100 % would be a lie."""
    return f"{_percent_number(share)}{SPACE}%"


def percent_range(interval: tuple[float, float]) -> str:
    """Return an interval of shares, for instance `95.3 to 98.4 %`."""
    return f"{_percent_number(interval[0])} to {percent(interval[1])}"


def percent_mark(share: float) -> str:
    """Return a round share as the end of a scale, for instance `80 %`."""
    return f"{100 * share:.0f}{SPACE}%"


def _percent_number(share: float) -> str:
    digits = 1
    while digits < 4 and ROUNDING < share < 1.0 - ROUNDING and float(f"{100 * share:.{digits}f}") in (0.0, 100.0):
        digits += 1
    return f"{100 * share:.{digits}f}"


def seconds(time_s: float) -> str:
    """Return a short time, for instance `0.85 s`."""
    return f"{time_s:.2f}{SPACE}s"


def duration(time_s: float) -> str:
    """Return a long time in its two largest units, for instance `4 min 12 s`."""
    whole = round(time_s)
    for unit_s, unit, small_s, small in ((3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit_s:
            return f"{whole // unit_s}{SPACE}{unit} {whole % unit_s // small_s}{SPACE}{small}"
    return f"{time_s:.1f}{SPACE}s"


def distance(length_m: float) -> str:
    """Return a length that was measured: millimetres below 10 cm, metres above."""
    if length_m >= 0.1:
        return f"{length_m:.2f}{SPACE}m"
    return f"{1e3 * length_m:.{1 if length_m < 0.00995 else 0}f}{SPACE}mm"


def tolerance(length_m: float) -> str:
    """Return a length that somebody chose, in the unit in which it is a short number: `2 cm`, `5 mm`."""
    if length_m >= 1.0:
        return f"{length_m:g}{SPACE}m"
    return f"{100 * length_m:g}{SPACE}cm" if length_m >= 0.01 else f"{1e3 * length_m:g}{SPACE}mm"


def count(number: float) -> str:
    """Return a count with its thousands apart."""
    return f"{number:,.0f}".replace(",", "\u202f")


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun, for instance `1 episode`, `12 episodes`."""
    return f"{count(number)}{SPACE}{one if number == 1 else many or one + 's'}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent where it is of everyday size."""
    if value == 0.0:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    return f"{value:.{digits - 1}e}" if not 0 <= places <= 6 else f"{value:.{places}f}"


def milliseconds(time_ms: float) -> str:
    """Return a lateness, for instance `0.31 ms`."""
    return f"{significant(time_ms, 2)}{SPACE}ms"


def signed(value: float) -> str:
    """Return a small number with its sign, for instance `+0.132`."""
    return f"{value:+.2g}".replace("-", "\u2212") if abs(value) < 0.01 else f"{value:+.3f}".replace("-", "\u2212")
