"""Finds the slices where a model does worst, among all values of its features, and their pairs and triples."""
