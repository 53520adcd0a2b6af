"""The firmware of an arm, pretended: the same bytes, delays and faults, for tests and for people without an arm."""
