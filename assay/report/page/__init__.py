"""The page of a run, and its summary in Markdown."""
