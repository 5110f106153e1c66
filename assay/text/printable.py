r"""Text from data, files and names, made safe for terminals, logs and messages. Standard library only.

Data must not control the terminal of its reader: an escape sequence can clear the screen, and a change of direction can
reverse words. Such characters are shown as Python writes them: `\x1b`, `\u202e`.
"""

from __future__ import annotations

import re

_UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for the tab and the end of a line
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # changes of direction
    r"\u00ad\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible, or the end of a line
    r"\ud800-\udfff"  # halves of characters, which no terminal takes
)
_UNSAFE_IN_TEXT = re.compile(f"[{_UNSAFE}]")
_UNSAFE_IN_LINE = re.compile(f"[\t\n{_UNSAFE}]")
_QUOTED = re.compile(r"'[^']+'")

_LONGEST_SHOWN = 160
_LONGEST_VALUE = 300
_LONGEST_MESSAGE = 2_000


def printable(text: str) -> str:
    """The text, with all characters escaped that would act on a terminal; ends of lines and tabs stay."""
    return _UNSAFE_IN_TEXT.sub(_shown, text)


def printable_line(text: str) -> str:
    """The same on one line, for a cell of a table: ends of lines and tabs are escaped, too."""
    return _UNSAFE_IN_LINE.sub(_shown, text)


def shortened(text: str, most: int = _LONGEST_SHOWN) -> str:
    """A text in at most `most` characters; if it is longer, its middle is left out."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[most // 2 + 1 - most :]}"


def message_line(message: str) -> str:
    """A message as one readable line: long values in it are shortened, and then the message."""
    words = " ".join(shortened(printable_line(word), _LONGEST_VALUE) for word in message.split())
    values = _QUOTED.sub(lambda quoted: shortened(quoted[0], _LONGEST_VALUE), words)
    return shortened(values, _LONGEST_MESSAGE)


def _shown(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode()
