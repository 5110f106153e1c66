"""Stages that add columns to the Extracts, one after the other."""
