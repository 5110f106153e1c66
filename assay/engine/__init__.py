"""How a Beam pipeline runs on any runner."""
