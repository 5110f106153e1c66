"""Rows in: one module for each format, and the transform that turns files into batches of Extracts.

What a column means to an evaluation is not known here; see the extractors.
"""
