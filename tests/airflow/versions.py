"""Versions of a model of the score."""

import time


def sharp(columns):
    return columns["score"]


def blunt(columns):
    return (columns["score"] * 5).round() / 5


def wrong_way_round(columns):
    return 1 - columns["score"]


def slow(columns):
    """As long as a large network takes."""
    time.sleep(1)
    return columns["score"]
