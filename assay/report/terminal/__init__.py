"""What commands print of a run, and which slices and figures they choose."""
