"""Pages of reference made from code: metrics, plots and the fields of the EvalConfig."""
