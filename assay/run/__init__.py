"""A plan is run: its stages, their tasks, and what they publish."""
