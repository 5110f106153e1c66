"""What a value is: declarations, shared state and pure functions. Numpy only; no Beam, no files."""
