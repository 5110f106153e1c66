"""Models that are functions of one column."""


def score(columns):
    return columns["score"]


def squared(columns):
    return columns["score"] ** 2


def reversed(columns):
    return 1 - columns["score"]
