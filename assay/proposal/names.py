"""What the name of a column says about what it holds."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LABELS = _listed(
    "label labels target targets y y_true y_test actual actuals truth ground_truth groundtruth gold outcome "
    "true_label class_label true_class gold_label label_id target_label y_actual actual_class relevance gain"
)
_LABEL_WORDS = _listed("label target truth true actual actuals outcome gold groundtruth observed")
_SCORES = _listed(
    "score scores prediction predictions predicted pred preds y_pred y_predicted y_hat yhat y_score y_scores "
    "y_prob y_proba prob probs proba probas probability probabilities predict_proba predicted_probability p "
    "p_1 p1 logit logits output outputs forecast"
)
_SCORE_WORDS = _listed(
    "score scores prediction predictions predicted pred preds prob probs proba probas probability "
    "probabilities logit logits yhat forecast forecasts softmax sigmoid"
)
_QUESTIONS = _listed("is has was had did will")

_WEIGHTS = _listed("weight weights wt wgt")
_OF_ROWS = _listed("sample samples example instance row case observation obs importance sampling survey")
_QUERIES = _listed("query query_id queryid qid q_id search_id searchid search query_group")
_BASELINE = _listed("baseline base old current champion prod production previous prev incumbent control")
_CANDIDATE = _listed("candidate new challenger next proposed treatment")


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters: `predictedIncome_v2` has predicted, income, v, 2."""
    return tuple(word.lower() for word in _WORD.findall(name)) or (name.casefold(),)


def _whole(name: str) -> str:
    return "_".join(words(name))


def is_label(name: str) -> bool:
    """Whether this is what labels are called."""
    return _whole(name) in _LABELS or name.casefold() in _LABELS


def may_be_label(name: str) -> bool:
    """Whether a word in it is one for labels."""
    return bool(_LABEL_WORDS & set(words(name)))


def is_score(name: str) -> bool:
    """Whether this is what predictions are called."""
    return _whole(name) in _SCORES or name.casefold() in _SCORES


def may_be_score(name: str) -> bool:
    """Whether a word in it is one for predictions."""
    return is_score(name) or bool(_SCORE_WORDS & set(words(name)))


def without_asking(name: str) -> tuple[str, ...]:
    """The words of a name but for those that make a question of it: `is_fraud` has fraud."""
    found = words(name)
    return found[1:] if len(found) > 1 and found[0] in _QUESTIONS else found


def beside_score(name: str) -> tuple[str, ...]:
    """The words of a name but for those that say that it is a prediction."""
    return tuple(word for word in words(name) if word not in _SCORE_WORDS and word not in ("y", "p", "hat"))


def is_weight(name: str) -> bool:
    """Whether this is the weight of a row, rather than of a thing."""
    found = set(words(name))
    return bool(found & _WEIGHTS) and bool(found & _OF_ROWS)


def may_be_weight(name: str) -> bool:
    """Whether this could be the weight of a row or of a thing."""
    return bool(set(words(name)) & _WEIGHTS)


def is_query(name: str) -> bool:
    """Whether this tells queries apart."""
    return _whole(name) in _QUERIES or name.casefold() in _QUERIES


def is_baseline(name: str) -> bool:
    """Whether this is of the model that others are compared with."""
    return bool(_BASELINE & set(words(name)))


def is_candidate(name: str) -> bool:
    """Whether this is of the model that may come next."""
    return bool(_CANDIDATE & set(words(name)))


def names_only_a_model(name: str) -> bool:
    """Whether nothing but a model is named, as in `new` beside `old`."""
    found = set(words(name))
    return found <= (_BASELINE | _CANDIDATE | {"model"}) and bool(found & (_BASELINE | _CANDIDATE))


def says_percent(name: str) -> bool:
    """Whether numbers of this name are percents."""
    return bool({"percent", "pct", "percentage"} & set(words(name)))


def says_logit(name: str) -> bool:
    """Whether numbers of this name are logits."""
    return bool({"logit", "logits"} & set(words(name)))
