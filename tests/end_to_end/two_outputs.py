"""A model with two outputs."""


def both(columns):
    return {"yes": columns["score"], "no": 1 - columns["score"]}
