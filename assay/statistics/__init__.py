"""Student's t distribution, and p-values corrected for many tests: what the gate and the search for slices share."""
