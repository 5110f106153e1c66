"""Whether a model passes its thresholds."""
