"""Mutants whose text is no YAML, JSON or protobuf text, or holds something else than an analysis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.fuzz.analyses import ANALYSES, EVAL_PBTXT
from tests.fuzz.mutants import Mutant, written

Change = tuple[str, str]
"""What stands in a text, and what stands there instead."""

_LINE = ("line #",)

YAML: Mapping[str, tuple[Change, tuple[str, ...]]] = {
    "a tab": (("  format: parquet", "\tformat: parquet"), ("spaces",)),
    "a quote that is not closed": (("format: parquet", 'format: "parquet'), ("quote",)),
    "a quote that is not opened": (("on_bad_rows: skip", 'on_bad_rows: "skip" again"'), ("quote",)),
    "an indentation that is too small": (("  format: parquet", " format: parquet"), ("indent",)),
    "an indentation that is too large": (("  format: parquet", "    format: parquet"), ("indent",)),
    "a colon in a value": (("on_bad_rows: skip", "on_bad_rows: skip: all"), ("quote",)),
    "no colon": (("on_bad_rows: skip", "on_bad_rows skip"), (":",)),
    "no space behind a colon": (("on_bad_rows: skip", "on_bad_rows:skip"), ("space",)),
    "a bracket that is not closed": (("on_bad_rows: skip", "on_bad_rows: [skip"), ("]",)),
    "a brace that is not closed": (("on_bad_rows: skip", "on_bad_rows: {skip: 1"), ("}",)),
    "a bracket too many": (("on_bad_rows: skip", "on_bad_rows: skip\n]"), ("]",)),
    "a star": (("on_bad_rows: skip", "on_bad_rows: *skip"), ("quote",)),
    "a percent sign": (("on_bad_rows: skip", "on_bad_rows: %skip"), ("quote",)),
    "an at sign": (("on_bad_rows: skip", "on_bad_rows: @skip"), ("quote",)),
    "a backquote": (("on_bad_rows: skip", "on_bad_rows: `skip`"), ("quote",)),
    "a tag": (("on_bad_rows: skip", "on_bad_rows: !!python/object:os.system skip"), ("remove",)),
    "a tag that nobody knows": (("on_bad_rows: skip", "on_bad_rows: !env skip"), ("remove",)),
    "two documents": (("on_bad_rows: skip", "---\non_bad_rows: skip"), ("---",)),
    "a list as a key": (("on_bad_rows: skip", "[on_bad_rows]: skip"), ("text",)),
    "a dash within a mapping": (("on_bad_rows: skip", "- on_bad_rows: skip"), ("-",)),
    "a zero byte": (("on_bad_rows: skip", "on_bad_rows: sk\0ip"), ("remove",)),
    "an escape that is none": (("on_bad_rows: skip", r'on_bad_rows: "sk\qip"'), ("quote",)),
    "aliases without end": (("on_bad_rows: skip", "on_bad_rows: &a [*a, *a]"), ("fewer",)),
}
"""What is wrong -> change of the binary analysis, and the cures of which one must be told."""

JSON: Mapping[str, tuple[Change, tuple[str, ...]]] = {
    "a trailing comma": (('"out/classes"\n', '"out/classes",\n'), ("comma",)),
    "a trailing comma in a list": (('"two"\n', '"two",\n'), ("comma",)),
    "no comma": (('"jsonl",', '"jsonl"'), ("comma",)),
    "single quotes": (('"format"', "'format'"), ("double quotes",)),
    "a key without quotes": (('"format"', "format"), ("double quotes",)),
    "a comment": (('"format"', '// of digits\n "format"'), ("comment",)),
    "True for true": (('"macro_average": true', '"macro_average": True'), ("true",)),
    "a quote that is not closed": (('"jsonl",', '"jsonl,'), ("quote",)),
    "a brace too few": (('"out/classes"\n}', '"out/classes"\n'), ("}",)),
    "a brace too many": (('"out/classes"\n}', '"out/classes"\n}}'), ("remove",)),
    "a value too few": (('"format": "jsonl"', '"format": '), ("value",)),
}
"""The same of the analysis of classes."""

PBTXT: Mapping[str, tuple[Change, tuple[str, ...], tuple[str, ...]]] = {
    "a field misspelt": (("label_key", "lable_key"), ("model_specs[0].lable_key",), ("did you mean 'label_key'?",)),
    "a field of another message": (
        ('class_name: "AUC"', 'class_name: "AUC" label_key: "label"'),
        ("metrics_specs[0].metrics[0].label_key",),
        (),
    ),
    "a metric misspelt": (
        ('"AUC"', '"AUCC"'),
        ("metrics_specs[0].metrics[0].class_name", "'AUCC'"),
        ("did you mean 'AUC'?",),
    ),
    "a column misspelt": (('"country"', '"contry"'), ("'contry'",), ("did you mean 'country'?",)),
    "a setting misspelt": (
        ("num_thresholds", "num_treshold"),
        ("metrics_specs[0].metrics[0].config", "'num_treshold'"),
        ("did you mean 'num_thresholds'?",),
    ),
    "a setting that is no JSON": (
        ('thresholds": 100', 'thresholds": 100,'),
        ("metrics_specs[0].metrics[0].config",),
        (),
    ),
    "a number for a text": (
        ('label_key: "label"', "label_key: 3"),
        ("model_specs[0].label_key", "line #"),
        ("quotes",),
    ),
    "a text for a number": (("value: 0.5", 'value: "half"'), ("lower_bound.value", "line #"), ("number",)),
    "a word without quotes": (
        ('class_name: "AUC"', "class_name: AUC"),
        ("metrics_specs[0].metrics[0].class_name", "line #"),
        ("quotes",),
    ),
    "a quote that is not closed": (('class_name: "AUC"', 'class_name: "AUC'), ("class_name", "line #"), ("quote",)),
    "a brace too few": (
        ("options { min_slice_size { value: 1 } }", "options { min_slice_size { value: 1 }"),
        ("options", "line #"),
        ("}",),
    ),
    "a brace too many": (("options { min", "} options { min"), ("line #",), ("}",)),
    "a field twice": (
        ('label_key: "label"', 'label_key: "label" label_key: "score"'),
        ("model_specs[0].label_key", "line #"),
        ("remove one",),
    ),
    "no colon": (
        ('class_name: "AUC"', 'class_name "AUC"'),
        ("metrics_specs[0].metrics[0].class_name", "line #"),
        (":",),
    ),
    "lower over upper": (
        ("lower_bound { value: 0.5 }", "lower_bound { value: 0.5 } upper_bound { value: 0.1 }"),
        ("metrics_specs[0].metrics[0].threshold.value_threshold",),
        (),
    ),
    "a threshold without bounds": (
        ("lower_bound { value: 0.5 }", ""),
        ("metrics_specs[0].metrics[0].threshold.value_threshold",),
        (),
    ),
    "a change without a baseline": (
        (
            "value_threshold { lower_bound { value: 0.5 } }",
            "change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0 } }",
        ),
        ("change_threshold",),
        ("baseline",),
    ),
    "an unknown direction": (
        ("value_threshold { lower_bound { value: 0.5 } }", "change_threshold { direction: UP absolute { value: 0 } }"),
        ("change_threshold.direction", "line #"),
        ("HIGHER_IS_BETTER",),
    ),
    "a negative size": (("value: 1", "value: -1"), ("options.min_slice_size",), ()),
    "a size that is too large": (("value: 1", "value: 99999999999"), ("options.min_slice_size", "line #"), ()),
    "SQL": (
        ("slicing_specs {}", 'slicing_specs { slice_keys_sql: "SELECT 1" }'),
        ("slicing_specs[0].slice_keys_sql",),
        (),
    ),
    "default metrics": (
        ("options {", "options { include_default_metrics { value: true }"),
        ("options.include_default_metrics",),
        (),
    ),
}
"""What is wrong -> change of the eval config beside the file, what must be named, and the cures."""

_DEEP = 5_000

WHOLE: Mapping[str, tuple[bytes, tuple[str, ...]]] = {
    "an empty file": (b"", ("inputs",)),
    "only a comment": (b"# later\n", ("inputs",)),
    "a list": (b"- inputs\n- output\n", ("inputs",)),
    "a word": (b"binary\n", ("inputs",)),
    "a number": (b"7\n", ("inputs",)),
    "null": (b"null\n", ("inputs",)),
    "another file": (b"version: 3\nservices: {web: {image: nginx}}\n", ("inputs",)),
    "a Parquet file": (b"PAR1\x15\x04\x15\x80\xff\xfe\x00PAR1", ("UTF-8",)),
    "a gzip file": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K\xcc", ("UTF-8",)),
    "UTF-16": ("inputs: {}\n".encode("utf-16"), ("UTF-8",)),
    "latin-1": ("# größer\noutput: out\n".encode("latin-1"), ("UTF-8",)),
    "lists without end": (b"inputs: " + b"[" * _DEEP + b"]" * _DEEP, ("fewer",)),
    "mappings without end": (b"inputs: " + b"{a: " * _DEEP + b"1" + b"}" * _DEEP, ("fewer",)),
    "a number of many digits": (b"inputs: {}\nseed: " + b"9" * 6_000, ("digits",)),
    "text of many aliases": (
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 10)) for i in range(8)),
        ("fewer",),
    ),
}
"""What the file is -> its bytes, and the cures."""


def by_yaml() -> Iterator[Mutant]:
    text = written(ANALYSES["binary"], is_json=False).decode()
    for what, ((old, new), cures) in YAML.items():
        assert old in text
        changed = text.replace(old, new, 1).encode()
        yield Mutant("YAML that is none", f"binary: {what}", "binary", None, changed, _LINE, cures)


def by_json() -> Iterator[Mutant]:
    text = json.dumps(ANALYSES["classes"], indent=2)
    for what, ((old, new), cures) in JSON.items():
        assert old in text, old
        changed = text.replace(old, new, 1).encode()
        yield Mutant("JSON that is none", f"classes: {what}", "classes", None, changed, _LINE, cures, is_json=True)


def by_pbtxt() -> Iterator[Mutant]:
    content = ANALYSES["tfma"]
    for what, ((old, new), named, cures) in PBTXT.items():
        assert old in EVAL_PBTXT, old
        changed = EVAL_PBTXT.replace(old, new, 1).encode()
        text = written(content, is_json=False)
        yield Mutant("an eval config of TFMA", f"tfma: {what}", "tfma", content, text, named, cures, changed)
    for what, data in {"an empty pbtxt": b"", "a binary pbtxt": b"\x0a\xff\xfe", "JSON in a pbtxt": b"{]"}.items():
        text = written(content, is_json=False)
        yield Mutant("an eval config of TFMA", f"tfma: {what}", "tfma", content, text, ("eval.pbtxt",), (), data)


def by_whole() -> Iterator[Mutant]:
    for what, (data, cures) in WHOLE.items():
        yield Mutant("a file that is no analysis", f"binary: {what}", "binary", None, data, (), cures)
    yield Mutant("a file that is no analysis", "classes: {}", "classes", None, b"{}", (), ("inputs",), is_json=True)
    yield Mutant("a file that is no analysis", "classes: nothing", "classes", None, b"", (), ("empty",), is_json=True)
    deep = b'{"inputs": ' + b"[" * _DEEP + b"]" * _DEEP + b"}"
    yield Mutant("a file that is no analysis", "classes: lists", "classes", None, deep, (), ("fewer",), is_json=True)


def textual() -> list[Mutant]:
    """Mutants of texts."""
    return [*by_yaml(), *by_json(), *by_pbtxt(), *by_whole()]
