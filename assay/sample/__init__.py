"""Some rows of the data, read and evaluated in process: what needs no run to be known. Without Beam."""
