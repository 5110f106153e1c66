"""The shortest analysis of a CSV file with predictions, as people would write it."""

ANALYSIS = """
inputs: {format: csv, files: [d.csv]}
output: out
eval_config:
  model_specs: [{label_key: label, prediction_key: score}]
  metrics_specs: [{metrics: [{class_name: AUC}]}]
"""
