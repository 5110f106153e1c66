"""Containers for stages: the images `assay-core` and `assay-tensorflow`, and their health check.

The command of an image is `assay`; `assay stage` runs one task of a plan in it. A Kubeflow component for each kind of
stage is planned.
"""
