"""Analysis files whose keys are right, and whose values are not: names, models, files, parameters, stages, outputs."""

from __future__ import annotations

from typing import Any

from tests.fuzz.wrong_configs import METRIC, METRICS_SPEC, SPEC

IN_PLAN: dict[str, list[tuple[Any, ...]]] = {
    # Names
    "a name twice": [
        ("models", "models.1.name", "candidate"),
        ("models", "eval_config.model_specs.1.name", "candidate"),
        (
            "binary",
            "eval_config.metrics_specs.0.metrics.1.config",
            {"name": "auc"},
            ("metrics_specs[0].metrics[1]", "'auc'"),
        ),
        ("stages", "evaluators.0.name", "AddBand", ("'AddBand'",)),
        ("stages", "writers.0.name", "Highest", ("'Highest'",)),
        ("stages", "extractors.0.name", "ExtractLabels", ("'ExtractLabels'",)),
        ("models", "models.0.features", ["prediction", "prediction"]),
        ("classes", f"{SPEC}.classes", ["zero", "one", "one"]),
    ],
    "a name that cannot be": [
        ("stages", "extractors.0.name", "Add Band!", ("'Add Band!'",)),
        ("stages", "evaluators.0.name", "../up", ("'../up'",)),
        ("stages", "evaluators.0.name", "plans", ("'plans'",)),
        ("stages", "extractors.0.name", "A" * 200, ("extractors[0].name",)),
        ("models", "models.0.name", "${who}", ()),
    ],
    "an unknown model": [
        (
            "models",
            "eval_config.metrics_specs.0.model_names",
            ["candidat"],
            ("metrics_specs[0].model_names[0]", "'candidat'"),
            ("did you mean 'candidate'?",),
        ),
        ("models", "eval_config.model_specs.0.name", "candidates", ("'candidate'",), ("did you mean",)),
        ("ranking", f"{METRICS_SPEC}.model_names", ["newest"], ("metrics_specs[0].model_names[0]",)),
    ],
    "an unknown output": [
        (
            "binary",
            "eval_config.metrics_specs.0.output_names",
            ["head"],
            ("metrics_specs[0].output_names[0]", "'head'"),
        ),
    ],
    "what cannot apply": [
        (
            "classes",
            "eval_config.slicing_specs.0",
            {"slice_keys_sql": "SELECT 1"},
            ("slicing_specs[0].slice_keys_sql",),
        ),
        ("binary", "eval_config.options.include_default_metrics", True),
    ],
    "a module that is not there": [("binary", f"{METRIC}.module", "my_metrics", ("'my_metrics'",), ("installed",))],
    "a metric that is not there": [
        ("binary", f"{METRIC}.class_name", "BinaryAcuracy", ("class_name",), ("did you mean 'BinaryAccuracy'?",)),
        ("binary", f"{METRIC}.class_name", "auc", ("class_name", "'auc'"), ("did you mean 'AUC'?",)),
        ("regression", f"{METRIC}.class_name", "RootMeanSquaredErr", ("class_name",)),
        ("regression", f"{METRIC}.class_name", "Zebra", ("class_name", "'Zebra'"), ("assay metrics",)),
        ("ranking", f"{METRIC}.class_name", "NDGC", ("class_name",), ("did you mean 'NDCG'?",)),
    ],
    # Models
    "a model that is not there": [
        (
            "models",
            "models.0",
            {"name": "candidate", "uri": "models/gone", "type": "saved_model"},
            ("'candidate'", "models/gone"),
        ),
        (
            "models",
            "models.0",
            {"name": "candidate", "uri": "gone.keras", "type": "keras"},
            ("'candidate'", "gone.keras"),
        ),
        ("models", "models.0", {"name": "candidate", "uri": "s4://b/m", "type": "keras"}, ("s4://b/m",)),
    ],
    "a model of another type": [
        ("models", "models.0", {"name": "candidate", "uri": "a-file", "type": "keras"}, ("'candidate'", "a-file")),
        (
            "models",
            "models.0",
            {"name": "candidate", "uri": "a-file", "type": "saved_model"},
            ("'candidate'", "a-file"),
        ),
        ("models", "models.0.uri", "models/candidate.keras", ("'candidate'", "models/candidate.keras")),
        ("models", "models.0.uri", "no_colon.at_all", ("'candidate'", "no_colon.at_all")),
    ],
    "a signature that is not there": [
        ("models", "models.0.signature", "serving", ("'candidate'", "'serving'")),
        ("binary", f"{SPEC}.signature_name", "serving"),
        ("models", f"{SPEC}.signature_name", "serving", ("'candidate'", "'serving'")),
    ],
    "a setting for another type of model": [
        ("models", "models.0.trusted", True),
        ("models", f"{SPEC}.model_type", "tf_js"),
        ("models", f"{SPEC}.model_type", "tf_keras"),
        ("models", f"{SPEC}.inference_batch_size", -1),
        ("models", f"{SPEC}.inference_batch_size", 7),
    ],
    "two baselines": [
        ("models", "models.0.baseline", True),
        ("models", f"{SPEC}.is_baseline", True, ("models[0].baseline",)),
        ("ranking", f"{SPEC}.is_baseline", True, ("model_specs[0].is_baseline",)),
    ],
    "no baseline": [
        ("models", "models.1.baseline", False),
        ("models", "eval_config.model_specs.1.is_baseline", False, ("models[1].baseline",)),
        ("ranking", "eval_config.model_specs.1.is_baseline", False, ("change_threshold",)),
    ],
    "an unknown baseline": [
        ("models", "models.1.baseline", "blesed"),
        ("models", "models.1.baseline", "blessed", ("models[1]",)),
        ("models", "models.1", {"name": "current", "uri": "a-file", "baseline": "blessed"}, ("a-file",)),
    ],
    # Files and formats
    "a file that is not there": [
        ("binary", "inputs.files.0", "gone.parquet", ("inputs.files", "gone.parquet")),
        ("models", "inputs.join.files.0", "label.jsonl", ("inputs.join.files", "label.jsonl")),
        ("tfma", "eval_config_file", "eval.pbtx", ("eval.pbtx",)),
    ],
    "a glob that matches nothing": [
        ("binary", "inputs.files.0", "scored-2025-*.parquet", ("inputs.files", "scored-2025-*.parquet")),
        ("ranking", "inputs.files.0", "days/*/ranked.csv", ("inputs.files", "days/*/ranked.csv")),
        ("classes", "inputs.files", ["digits.jsonl", "more-*.jsonl"], ("inputs.files", "more-*.jsonl")),
    ],
    "a wrong format": [
        ("binary", "inputs.format", "jsonl", ("scored-2026-11-01.parquet",), ("parquet",)),
        ("binary", "inputs.format", "tfrecord", ("scored-2026-11-01.parquet",), ("parquet",)),
        ("tfma", "inputs.format", "csv", ("scored-2026-11-01.parquet",), ("parquet",)),
        ("classes", "inputs", {"format": "csv", "files": ["digits.jsonl"]}, ("digits.jsonl",), ("jsonl",)),
        ("classes", "inputs", {"format": "parquet", "files": ["digits.jsonl"]}, ("digits.jsonl",), ("jsonl",)),
        ("ranking", "inputs.format", "jsonl", ("ranked.csv",), ("csv",)),
        ("ranking", "inputs.format", "tfrecord", ("ranked.csv",), ("csv",)),
        ("models", "inputs.join.format", "csv", ("labels.jsonl",), ("jsonl",)),
    ],
    "a format that is not there": [
        ("binary", "inputs.format", "avro", ("inputs.format", "'avro'"), ("there are",)),
        ("ranking", "inputs.format", "CSV", ("inputs.format", "'CSV'"), ("did you mean 'csv'?",)),
    ],
    "a wrong option": [
        ("models", "inputs.options.delimiter", ";;"),
        ("models", "inputs.options", {}, ("inputs.options.delimiter",), ("delimiter",)),
        ("models", "inputs.options.encoding", "utf-9"),
        ("models", "inputs.options.types.id", "txt"),
        ("models", "inputs.options.types", {"ident": "text"}, ("ident",)),
        ("regression", "inputs.options.columns", [], ("inputs.options.columns",)),
        ("binary", "inputs.options", {"delimiter": ";"}, ("inputs.options.delimiter",)),
        ("classes", "inputs.options", {"null_values": ["-"]}, ("inputs.options.null_values",)),
    ],
    "a wrong join": [
        ("models", "inputs.join.on", []),
        ("models", "inputs.join.on", ["id", "id"]),
        ("models", "inputs.join.on", ["country"], ("'country'", "inputs.join.on")),
        ("models", "inputs.join.columns", ["id"], ("'label'", "inputs.join.columns")),
    ],
    "a storage that is not there": [
        ("binary", "inputs.files.0", "s3://bucket/scored.parquet", ("s3://bucket/scored.parquet",)),
        ("binary", "output", "hdfs://cluster/out", ("output", "hdfs://cluster/out")),
        ("models", "inputs.join.files.0", "gcs://bucket/labels", ("gcs://bucket/labels",), ("gs://bucket/labels",)),
        ("binary", "output", "gs://", ("output",)),
    ],
    # Parameters and dates
    "an unknown parameter": [
        ("binary", "inputs.files.0", "scored-${date}.parquet", ("inputs.files[0]", "'date'")),
        ("binary", "output", "out/${dya}", ("output", "'dya'"), ("did you mean 'day'?",)),
        ("models", "inputs.files", "scored-${day}.csv", ("inputs.files", "'day'"), ("params",)),
        ("regression", f"{SPEC}.label_key", "${label}", ("label_key", "'label'"), ("params",)),
    ],
    "a parameter that is not given": [
        ("binary", "params.day", None, ("'day'",), ("--param day=",)),
    ],
    "a broken parameter": [
        ("binary", "output", "out/${day", ("output",)),
        ("binary", "inputs.files.0", "scored-${2day}.parquet", ("inputs.files[0]",)),
        ("binary", "params", {"a day": "2026"}, ("params", "'a day'")),
        ("binary", "params.day", "${day}", ("params.day",)),
    ],
    "a parameter where none can be": [
        ("binary", "eval_config.options.min_slice_size", "${day}", ("options.min_slice_size",)),
        ("binary", "checkpoint", "${day}"),
    ],
    "a secret where none can be": [
        ("binary", "params", {"day": "2026-11-01", "password": "x"}, ("params.password",)),
    ],
    "a wrong date": [
        ("binary", "params.day", "2026-02-30", ("inputs.files", "scored-2026-02-30.parquet")),
        ("binary", "params.day", 20261101, ("inputs.files", "scored-20261101.parquet")),
        ("binary", "params.day", "yesterday", ("inputs.files", "scored-yesterday.parquet")),
    ],
    # Stages
    "an unknown stage to come after": [
        (
            "stages",
            "evaluators.0.run_after",
            "ExtractSliceKey",
            ("'Highest'", "run_after", "'ExtractSliceKey'"),
            ("did you mean 'ExtractSliceKeys'?",),
        ),
        ("stages", "evaluators.0.run_after", "Gate", ("'Highest'", "run_after")),
        (
            "stages",
            "extractors.0.after",
            "ExtractLabel",
            ("extractors[0].after", "'ExtractLabel'"),
            ("did you mean 'ExtractLabels'?",),
        ),
        ("stages", "extractors.0.after", "ReadInputs", ("extractors[0].after",)),
    ],
    "a cycle": [
        ("stages", "extractors.0.after", "AddBand", ("extractors[0].after", "'AddBand'")),
        ("stages", "evaluators.0.run_after", "Highest", ("'Highest'", "run_after")),
        (
            "stages",
            "extractors",
            [
                {"name": "A", "factory": "a:a", "adds": ["x"], "after": "B"},
                {"name": "B", "factory": "a:b", "adds": ["y"], "after": "A"},
            ],
            ("extractors[0].after", "'B'"),
        ),
    ],
    "an output with two owners": [
        ("stages", "evaluators.0.outputs", ["validations"], ("'Highest'", "'validations'")),
        ("stages", "evaluators.0.outputs", [], ("'Highest'",)),
    ],
    "a key that is assay's own": [
        ("stages", "extractors.0.adds", ["_slices"], ("'AddBand'", "'_slices'")),
    ],
    "a factory that cannot be": [
        ("stages", "extractors.0.factory", "own_stages.add_band"),
        ("stages", "writers.0.factory", "own-stages:write"),
    ],
    # Outputs
    "an output that cannot be written": [
        ("binary", "output", "a-file/out", ("output", "a-file")),
        ("binary", "output", "/proc/out", ("output", "/proc")),
        ("binary", "output", "a-file", ("output", "a-file")),
        ("binary", "output", "out/\0", ("output",)),
    ],
    "two eval configs": [
        ("tfma", "eval_config", {"metrics_specs": []}, ("eval_config",)),
    ],
    "a metric that needs a setting": [
        (
            "regression",
            "eval_config.metrics_specs.0.metrics.2.config",
            {},
            ("metrics_specs[0].metrics[2].config", "'feature_key_path'"),
        ),
    ],
    "two settings of one": [
        (
            "binary",
            "eval_config.metrics_specs.0.metrics.1.config",
            {"thresholds": [0.5], "num_thresholds": 5},
            ("metrics_specs[0].metrics[1].config", "num_thresholds"),
        ),
    ],
}
"""Kind of mistake -> rows of (analysis, path, value, what must be named, cures); see `mutant_values`."""
