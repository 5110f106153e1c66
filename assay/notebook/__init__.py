"""The results of a run in the hands of Python: as nested dicts, as frames, and as what a notebook shows."""
