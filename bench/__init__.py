"""What an evaluation costs: CPU seconds and memory of whole processes. `make bench` prints the table."""

CARDINALITY = {"gender": 2, "day": 7, "hour": 24, "zone": 80}
"""Text columns of the generated data, and how many values each has."""
