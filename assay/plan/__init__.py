"""A file of yours becomes a plan."""
