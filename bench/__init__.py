"""What an evaluation costs: CPU seconds and memory of whole processes. `make bench` prints the table."""
