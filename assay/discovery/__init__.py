"""Finds the slices where a model does worst, among all values and pairs of values of its features."""
