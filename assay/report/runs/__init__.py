"""Several runs: two held against each other, and many over time."""
