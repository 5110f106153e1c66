"""Shared state behind metrics: what a batch adds to it, and how a metric reads it. Numpy only.

A *table* is physical: it says which cells of a slice a row adds to. A *computation* is logical: it says which tables
it needs and what it reads from their sums. Tables of one kind in one stream are joined into one, so that any number
of metrics costs one pass. Both are frozen dataclasses: equal settings are the same thing, and are held once.
"""
