"""Models that make predictions: one module a framework, all behind `model.load`, `model.check` and `model.needs`.

What a prediction is worth is no business of this room; see `assay/metrics`.
"""
