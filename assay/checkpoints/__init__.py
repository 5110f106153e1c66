"""What stages leave behind for those after them: the formats, and how a finished task is committed."""
