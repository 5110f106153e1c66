"""Containerised stages: the images, and one Kubeflow component for each kind of stage. Planned; nothing here yet."""
