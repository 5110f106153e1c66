"""Airflow: one operator for each kind of stage, the gate and the launchers. Planned; nothing here yet."""
