"""The metrics, by family: each a declaration and a pure function."""
