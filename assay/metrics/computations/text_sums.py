"""Sums of what libraries say of single texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.texts import MAX_ORDER, BleuCounts, RougeScores
from assay.metrics.entries.views import WHOLE_ROWS
from assay.metrics.values import Floats

_ROUGE_TYPE = re.compile(r"rouge([1-9]|L|Lsum)")
_TOKENIZERS = ("13a", "intl", "char", "zh", "none")


def _table(width: int) -> TermTable:
    return TermTable(("weight", *_numbers(width)))


def _numbers(width: int) -> tuple[Term, ...]:
    return tuple(("number", column) for column in range(width))


def _sums(states: States, width: int) -> tuple[Floats, Floats]:
    """Sum of weights (s,), and of the numbers (s, width)."""
    table, sums = states(_table(width))
    return sums[:, table.terms.index("weight")], sums[:, [table.terms.index(term) for term in _numbers(width)]]


class RougeTerms(NamedTuple):
    """Weight, and weighted sums of what each row has, all of shape (s,)."""

    weight: Floats
    precision: Floats
    recall: Floats
    fmeasure: Floats


@dataclass(frozen=True)
class Rouge:
    """Sums of the precision, recall and F-measure of rows.

    Attributes:
        rouge_type: rouge1 to rouge9 compare n-grams, rougeL the longest common subsequence of words, and rougeLsum that
            of each sentence.
        use_stemmer: whether words lose their endings (Porter).
        split_summaries: whether rougeLsum finds the sentences of a text itself; else each line is one.
    """

    rouge_type: str = "rouge1"
    use_stemmer: bool = False
    split_summaries: bool = False
    domain: ClassVar[Domain] = Domain(view=WHOLE_ROWS)

    def __post_init__(self) -> None:
        if not _ROUGE_TYPE.fullmatch(self.rouge_type):
            raise ValueError("rouge_type must be one of rouge1 to rouge9, rougeL and rougeLsum")
        if self.split_summaries and self.rouge_type != "rougeLsum":
            raise ValueError("split_summaries is for rougeLsum alone")

    @property
    def reads(self) -> Reads:
        """Texts."""
        return Reads(pairing=RougeScores(self.rouge_type, self.use_stemmer, self.split_summaries))

    def tables(self) -> tuple[Table, ...]:
        """Weights, and the three numbers of a row."""
        return (_table(3),)

    def read(self, states: States) -> RougeTerms:
        """The four sums."""
        weight, sums = _sums(states, 3)
        return RougeTerms(weight, *sums.T)


class BleuTerms(NamedTuple):
    """Weighted sums over the rows of each slice.

    Attributes:
        words: (s,) of predictions.
        of_references: (s,) words of references.
        matches: (s, 4) n-grams of predictions that a reference has, for n from 1 on.
        all: (s, 4) n-grams of predictions.
    """

    words: Floats
    of_references: Floats
    matches: Floats
    all: Floats


@dataclass(frozen=True)
class Bleu:
    """Sums of n-grams.

    Attributes:
        lowercase: whether case makes no difference.
        tokenize: how texts become words: 13a, intl, char, zh or none.
    """

    lowercase: bool = False
    tokenize: str = "13a"
    domain: ClassVar[Domain] = Domain(view=WHOLE_ROWS)

    def __post_init__(self) -> None:
        if self.tokenize not in _TOKENIZERS:
            raise ValueError(
                f"tokenize must be one of {', '.join(_TOKENIZERS)}; others need more packages, or download their words"
            )

    @property
    def reads(self) -> Reads:
        """Texts."""
        return Reads(pairing=BleuCounts(self.lowercase, self.tokenize))

    def tables(self) -> tuple[Table, ...]:
        """Words and n-grams."""
        return (_table(2 + 2 * MAX_ORDER),)

    def read(self, states: States) -> BleuTerms:
        """The sums."""
        _, sums = _sums(states, 2 + 2 * MAX_ORDER)
        return BleuTerms(sums[:, 0], sums[:, 1], sums[:, 2 : 2 + MAX_ORDER], sums[:, 2 + MAX_ORDER :])
