"""Launchers: where the command of a stage runs. Operators stream what it says and judge how it ends.

A launcher is a frozen dataclass with `template_fields` and a method `start`; an operator is given one.
"""
