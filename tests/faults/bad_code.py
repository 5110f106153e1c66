"""Models and stages of a user's own that go wrong."""

import apache_beam as beam

import assay


def too_few(columns):
    return columns["score"][:-1]


def text(columns):
    return ["high"] * len(columns["score"])


def unknown_column(columns):
    return columns["scores"]


def _raise(extracts):
    raise RuntimeError("the user's own words")


def broken_extractor():
    return assay.Extractor("Broken", beam.Map(_raise))


def no_extracts():
    return assay.Extractor("Broken", beam.Map(lambda extracts: 1))


def not_a_stage():
    return 1
