"""What an eval config asks, as metrics with their settings."""
