"""A model that is a function of columns."""


def better(columns):
    return columns["prediction"]
