"""What Airflow shows of this package as a provider. Airflow asks for it at every start, so it imports nothing."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The description, in the form of Airflow's providers."""
    return {
        "package-name": "assay",
        "name": "assay",
        "description": "Model evaluation and validation, stage by stage.",
        "integrations": [{"integration-name": "assay", "external-doc-url": "", "tags": ["software"]}],
        "operators": [
            {
                "integration-name": "assay",
                "python-modules": [
                    "assay.operators.stage",
                    "assay.operators.gate",
                    "assay.operators.bless",
                    "assay.operators.partition",
                    "assay.operators.scratch",
                ],
            }
        ],
        "triggers": [
            {"integration-name": "assay", "python-modules": ["assay.operators.partition", "assay.operators.triggers"]}
        ],
        "extra-links": [
            f"assay.operators.links.{name}" for name in ("ResultsLink", "VerdictLink", "CheckpointLink", "DataflowLink")
        ],
    }
