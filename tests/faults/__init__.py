"""What is killed, broken, full or wrong: right results or a clear error, and the next try heals it."""
