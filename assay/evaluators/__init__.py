"""Stages that turn Extracts into an Evaluation: values by slice, tables, validations."""
