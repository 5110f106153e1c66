"""Thresholds that ask for evidence: the section `gate` of an analysis file, held against confidence intervals."""
