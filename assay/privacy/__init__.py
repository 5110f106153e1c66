"""What may not be shown of small groups of rows."""
