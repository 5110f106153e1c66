"""What a metric sees of a batch: weighted entries."""
