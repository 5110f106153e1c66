"""What a batch of rows is."""
