"""Confidence intervals by formula, from the sums behind a value."""
