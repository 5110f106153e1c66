"""Measures of ranked lists: rows of one query (`query_key` of the metrics spec), ranked by falling prediction.

A row is relevant where its label, or the column that is named instead, is above 0. Of equal predictions the row that
comes first in the data ranks first. Each measure is computed for each query and averaged over queries, with the weight
of the query; a query that has no value, such as one without a relevant row, is left out. A query is in every slice that
one of its rows is in, with all its rows. `QueryStatistics` asks for the last four.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.ranking import QueryMean, QuerySizes
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.values import Floats
from assay.text.words import snake_case

metric = partial(
    declare.metric,
    renames={"label_key": "column"},
    fixed=("measure", "top_k"),
    better="higher",
    range="[0, 1]",
    top_k="optional",
)
count = partial(declare.metric, range="[0, ∞)", fixed=("measure", "top_k", "column"), is_estimate=False)
_NO_RELEVANT = "no query with a relevant row"


@metric(
    "NDCG",
    needs=QueryMean("ndcg"),
    renames={"gain_key": "column"},
    example='"top_k_list": [10]',
    top_k="required",
    undefined="no query with a gain above 0",
)
def ndcg(m: ErrorTerms) -> Floats:
    """Mean of DCG@k over the best there could be; DCG sums gains / log2(rank + 1) over the first k rows.

    Gains are `gain_key`, or else the labels, as they are. Source: Järvelin and Kekäläinen (2002).
    """
    return ratio(m.error, m.weight)


@metric(
    "MinLabelPosition",
    needs=QueryMean("first_position"),
    better="lower",
    range="[1, ∞)",
    top_k="",
    undefined=_NO_RELEVANT,
)
def min_label_position(m: ErrorTerms) -> Floats:
    """Mean rank of the first relevant row, from 1 on."""
    return ratio(m.error, m.weight)


@metric("MeanReciprocalRank", "MRR", needs=QueryMean("reciprocal_rank"), undefined=_NO_RELEVANT)
def mean_reciprocal_rank(m: ErrorTerms) -> Floats:
    """Mean of 1 / rank of the first relevant row; 0 where that is beyond k. Source: Voorhees (1999)."""
    return ratio(m.error, m.weight)


@metric("MeanAveragePrecision", "MAP", needs=QueryMean("average_precision"), undefined=_NO_RELEVANT)
def mean_average_precision(m: ErrorTerms) -> Floats:
    """Mean over queries of the mean precision at the rank of each relevant row.

    With k, of the relevant rows among the first k, over the smaller of k and the number of relevant rows.
    """
    return ratio(m.error, m.weight)


@metric("PrecisionAtK", needs=QueryMean("precision"), undefined="no query")
def precision_at_k(m: ErrorTerms) -> Floats:
    """Mean share of relevant rows among the first k; a query of fewer rows is divided by k, too."""
    return ratio(m.error, m.weight)


@metric("RecallAtK", needs=QueryMean("recall"), undefined=_NO_RELEVANT)
def recall_at_k(m: ErrorTerms) -> Floats:
    """Mean share of a query's relevant rows that are among its first k."""
    return ratio(m.error, m.weight)


@metric("HitRateAtK", "HitRate", needs=QueryMean("hit"), undefined=_NO_RELEVANT)
def hit_rate_at_k(m: ErrorTerms) -> Floats:
    """Share of queries with a relevant row among the first k."""
    return ratio(m.error, m.weight)


@count("TotalQueries", needs=QueryMean("one"), adds_up=True)
def total_queries(m: ErrorTerms) -> Floats:
    """Sum of the weights of queries."""
    return m.weight


@count("TotalDocuments", needs=QueryMean("rows"), adds_up=True)
def total_documents(m: ErrorTerms) -> Floats:
    """Sum over queries of weight times number of rows."""
    return m.error


@count("MinDocuments", needs=QuerySizes(), fixed=(), is_count=True)
def min_documents(sizes: Floats) -> Floats:
    """The least weight times number of rows of a query."""
    return sizes[..., 0]


@count("MaxDocuments", needs=QuerySizes(), fixed=(), is_count=True)
def max_documents(sizes: Floats) -> Floats:
    """The greatest weight times number of rows of a query."""
    return sizes[..., 1]


_OF_QUERIES = ("TotalQueries", "TotalDocuments", "MinDocuments", "MaxDocuments")
declare.group("QueryStatistics", declare.Group({name: f"{snake_case(name)}_name" for name in _OF_QUERIES}))
