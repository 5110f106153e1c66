"""Tables as data, and their forms: for a terminal, CSV, JSON, Markdown."""
