# The image of a Flex Template of Dataflow: assay, and the launcher that Dataflow runs. docs/engines.md tells how to build it.
ARG ASSAY_IMAGE=assay-core:0.1.0
ARG LAUNCHER_IMAGE=gcr.io/dataflow-templates-base/python311-template-launcher-base:latest

FROM ${LAUNCHER_IMAGE} AS launcher

FROM ${ASSAY_IMAGE}
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/assay/lib/python3.11/site-packages/assay/components/flex_template.py
ENTRYPOINT ["/opt/google/dataflow/python_template_launcher"]
