"""Kubeflow pipelines made from a plan. Planned; nothing here yet."""
