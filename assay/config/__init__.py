"""The eval config: from what people write to what is computed."""
