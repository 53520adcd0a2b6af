r"""Text that a terminal or a page can show: what it could not, in the name of a folder say, is written as its number.

The name of a file is bytes, and any but `/` and zero may be in it: letters of another encoding, commands for the
terminal, marks that turn the direction of writing. They are shown as `\xff`, `\x1b`, `\u202e`.
"""

import os
import shlex
import unicodedata
from collections.abc import Iterable

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Kinds of characters that are not seen, or do something: control, format and direction, half of a pair, line ends."""
LAYOUT = "\n\t"


def shown(name: object) -> str:
    """Return the text of a path or name in one line that can be seen."""
    return "".join(_number(letter) if _is_hidden(letter) else letter for letter in str(name))


def shown_text(text: str) -> str:
    """Return text of several lines that can be seen; its line ends and tabs stay."""
    return "".join(letter if letter in LAYOUT else shown(letter) for letter in text)


def shell_words(words: Iterable[object]) -> str:
    """Return words as a command that can be read, and copied into bash or zsh."""
    return " ".join(map(_word, words))


def _word(word: object) -> str:
    text = str(word)
    if not any(map(_is_hidden, text)):
        return shlex.quote(text)
    return "$'" + "".join(map(_quoted, text)) + "'"


def _quoted(letter: str) -> str:
    if _is_hidden(letter):
        return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
    return f"\\{letter}" if letter in "\\'" else letter


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in HIDDEN


def _number(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
