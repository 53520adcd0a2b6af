"""A shell whose proxy variables all name a proxy that is not there."""

import pytest

DEAD = "http://127.0.0.1:9"
"""Nobody listens on port 9."""
NAMES = ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy")


def name_dead_proxies(monkeypatch: pytest.MonkeyPatch, *, socks: bool = False) -> None:
    """Set every proxy variable, upper and lower case, and take away the exceptions.

    Args:
        monkeypatch: Undoes it.
        socks: A SOCKS proxy too; libraries ask for a package that is not installed.
    """
    given = dict.fromkeys(NAMES, DEAD) | ({"socks_proxy": "socks5://127.0.0.1:9"} if socks else {})
    for name, value in given.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
