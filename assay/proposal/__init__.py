"""An analysis file proposed from data: which columns are what, which metrics fit, and why."""
