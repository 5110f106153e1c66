"""Folds a text to a width, between its words or behind their separators, and never within a word."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

_BREAKS = re.compile(r"(?<=[_/=;|])(?=[^_/=;|])|(?<=[^\W\d_]-)(?=[^\W\d_])|(?=@)|(?<=\])(?=\.)")
"""Where a word may be broken: `country=|count/|ry_|000`, `fpr|@0.25`, `metrics[0]|.config`; not in numbers or dates."""


def folded(text: str, width: int) -> list[str]:
    """The lines of a text; only a part without separators that is wider than all the width is broken anywhere.

    Args:
        text: on one line.
        width: in cells of a terminal, at least 1.
    """
    lines = [""]
    for word in text.split(" "):
        with_word = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(with_word) <= width:
            lines[-1] = with_word
        elif cell_len(word) <= width:
            lines.append(word)
        else:
            _add_pieces(lines, word, width)
    return lines if lines[0] or len(lines) == 1 else lines[1:]


def _add_pieces(lines: list[str], word: str, width: int) -> None:
    """Adds a word that is wider than a line."""
    glue = " " if lines[-1] else ""
    for piece in pieces_of(word):
        if cell_len(lines[-1] + glue + piece) <= width:
            lines[-1] += glue + piece
        else:
            lines += chop_cells(piece, width)
        glue = ""


def pieces_of(word: str) -> list[str]:
    """The parts of a word between which it may be broken."""
    return [piece for piece in _BREAKS.split(word) if piece]


def widest_piece(text: str) -> int:
    """The least width at which a text is not broken within a word."""
    return max((cell_len(piece) for word in text.split(" ") for piece in pieces_of(word)), default=0)
