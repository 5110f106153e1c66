"""Predicted texts beside the texts that they should be: the libraries of that field compare them, a row at a time.

Here is the one loop over rows besides JSON: the libraries take a text at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

import numpy as np

from assay.errors import ColumnTypeError, MissingPackageError
from assay.metrics.entries.bad_rows import MISSING_LABEL, MISSING_PREDICTION, SEVERAL_TEXTS
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.lookup import select
from assay.metrics.entries.ragged import Called, Ragged, ragged
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats
from assay.types import LABELS_KEY, PREDICTIONS_KEY, Extracts

Score: TypeAlias = Callable[[Sequence[str], str], Sequence[float]]
"""References and a predicted text -> numbers."""

MAX_ORDER = 4
"""The longest n-grams of BLEU, in words."""

_DESCRIBED = {"labels": "a text, or a list of texts of which each would be right", "predictions": "a text"}


@dataclass(frozen=True)
class RougeScores:
    """Precision, recall and F-measure of each row, by rouge-score; of several references, that of the best F-measure.

    Attributes:
        rouge_type: rouge1 to rouge9, rougeL or rougeLsum.
        use_stemmer: whether words lose their endings (Porter).
        split_summaries: whether rougeLsum finds the sentences of a text itself; else each line is one.
    """

    rouge_type: str
    use_stemmer: bool = False
    split_summaries: bool = False
    features: ClassVar[tuple[str, ...]] = ()
    described: ClassVar[Mapping[str, str]] = _DESCRIBED

    def columns(self, extracts: Extracts, stream: Stream, weights: Floats) -> Columns:
        """Three numbers a row; see `Pairing`."""
        scorer = _rouge(self.rouge_type, self.use_stemmer, self.split_summaries)

        def score(references: Sequence[str], text: str) -> Sequence[float]:
            scores: Sequence[float] = scorer.score_multi(references, text)[self.rouge_type]
            return scores

        with _nltk_data():
            return _scored(extracts, stream, weights, score, 3)


@dataclass(frozen=True)
class BleuCounts:
    """What BLEU adds up, by sacrebleu: words of prediction and reference, n-grams that match, and all n-grams.

    Of several references, the one nearest in length counts as the reference.

    Attributes:
        lowercase: whether case makes no difference.
        tokenize: how texts become words.
    """

    lowercase: bool = False
    tokenize: str = "13a"
    features: ClassVar[tuple[str, ...]] = ()
    described: ClassVar[Mapping[str, str]] = _DESCRIBED

    def columns(self, extracts: Extracts, stream: Stream, weights: Floats) -> Columns:
        """2 + 2 * MAX_ORDER numbers a row; see `Pairing`."""
        bleu = _bleu(self.lowercase, self.tokenize)

        def count(references: Sequence[str], text: str) -> Sequence[float]:
            found = bleu.sentence_score(text, references)
            return (found.sys_len, found.ref_len, *found.counts, *found.totals)

        return _scored(extracts, stream, weights, count, 2 + 2 * MAX_ORDER)


@lru_cache(maxsize=16)
def _rouge(rouge_type: str, use_stemmer: bool, split_summaries: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([rouge_type], use_stemmer=use_stemmer, split_summaries=split_summaries)


@lru_cache(maxsize=16)
def _bleu(lowercase: bool, tokenize: str) -> Any:
    """Counts alone: without smoothing, which would change them, and without a warning about single sentences."""
    from sacrebleu.metrics import BLEU

    return BLEU(
        lowercase=lowercase,
        tokenize=tokenize,
        smooth_method="none",
        max_ngram_order=MAX_ORDER,
        effective_order=True,
        force=True,
    )


@contextmanager
def _nltk_data() -> Iterator[None]:
    """Names data that nltk lacks; a run downloads nothing.

    Raises:
        MissingPackageError: the data that finds sentences is not there.
    """
    try:
        yield
    except LookupError as error:
        if "nltk" not in str(error):
            raise
        raise MissingPackageError(
            "split_summaries of Rouge needs the data 'punkt_tab' of nltk, which is not there; run "
            "python -m nltk.downloader punkt_tab where the metrics are computed, or put each sentence on a line"
        ) from error


def _scored(extracts: Extracts, stream: Stream, weights: Floats, score: Score, width: int) -> Columns:
    """The numbers (n, width) of n rows."""
    references = _texts(extracts, stream, LABELS_KEY)
    predicted = _texts(extracts, stream, PREDICTIONS_KEY)
    faults = {
        MISSING_LABEL: references.is_missing | (references.lengths == 0),
        MISSING_PREDICTION: predicted.is_missing | (predicted.lengths == 0),
        SEVERAL_TEXTS: predicted.lengths > 1,
    }
    is_bad = np.logical_or.reduce(list(faults.values()))

    numbers = np.zeros((len(weights), width))
    of_rows = zip(_lists(references), _lists(predicted), is_bad, strict=True)
    for row, (all_right, texts, is_faulty) in enumerate(of_rows):
        if not is_faulty:
            numbers[row] = score(all_right, texts[0])
    return Columns(np.zeros(len(weights)), numbers, weights, bad_rows=faults)


def _texts(extracts: Extracts, stream: Stream, key: str) -> Ragged:
    called: Called = stream.called(key)
    cells = ragged(select(extracts, key, stream), called)
    if len(cells.values) and not cells.are_texts:
        raise ColumnTypeError(f"column {called[0]!r}{called[1]} has type {cells.values.type}; expected texts")
    return cells


def _lists(cells: Ragged) -> list[list[str]]:
    values, ends = cells.values.to_pylist(), np.cumsum(cells.lengths)
    return [values[end - length : end] for end, length in zip(ends.tolist(), cells.lengths.tolist(), strict=True)]
