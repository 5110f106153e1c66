"""Metrics of users' own modules: found by module, computed as all others, and told by name where they fail."""

from __future__ import annotations

import pickle
import sys
import textwrap
from types import ModuleType

import numpy as np
import pytest

from assay.config.resolved import check_eval_config, parse_eval_config, resolve_eval_config
from assay.errors import ConfigError, EvalConfigError, MetricError
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.metrics.binding.bound import metrics_of
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_from_proto
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import pieces, placed

from .asked import OWN, asked_own
from .engine import EVERY_SLICE, config_of, cut, evaluated, whole
from .hard_data import hard_batch, hard_classes

BATCH = hard_batch(900)
BY_GROUP = 'slicing_specs {} slicing_specs { feature_keys: "group" }'


@pytest.fixture
def module(request, monkeypatch):
    """Makes a module of source text, and gives its name."""

    def made(source: str) -> str:
        name = f"own_{abs(hash((request.node.name, source)))}"
        own = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, own)
        exec(compile(textwrap.dedent(source), f"{name}.py", "exec"), vars(own))
        return name

    return made


def of_module(name: str, class_name: str, config: str = "{}", more: str = "") -> str:
    return f"metrics {{ class_name: '{class_name}' module: '{name}' config: '{config}' }} {more}"


def rows_in(batch, key):
    inside = np.ones(len(batch["labels"]), bool)
    for feature, value in key:
        inside &= np.array([str(v) for v in batch["features"][feature].to_pylist()]) == str(value)
    return inside


def weighted_median(values, weights):
    repeated = sorted(np.repeat(values, np.round(weights).astype(int)).tolist())
    return repeated[(len(repeated) - 1) // 2]


def test_a_declaration_is_computed_for_every_slice_as_if_it_were_ours():
    for key, values in whole(BATCH, config_of(asked_own("Lift"), EVERY_SLICE)).items():
        inside = rows_in(BATCH, key)
        labels, weights = BATCH["labels"][inside], BATCH["example_weights"][inside]
        positive = BATCH["predictions"][inside] > 0.5
        with np.errstate(invalid="ignore"):
            precision = (labels * weights)[positive].sum() / weights[positive].sum()
            expected = precision / (labels @ weights / weights.sum())
        (value,) = values.values()
        assert value == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_the_mean_of_a_function_over_rows_needs_nothing_but_the_function():
    for key, values in whole(BATCH, config_of(asked_own("PinballLoss"), EVERY_SLICE)).items():
        inside = rows_in(BATCH, key)
        error = BATCH["labels"][inside] - BATCH["predictions"][inside]
        (value,) = values.values()
        loss = np.where(error > 0, 0.9 * error, -0.1 * error)
        assert value == pytest.approx(np.average(loss, weights=BATCH["example_weights"][inside]), rel=1e-9)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_an_object_of_a_class_sees_the_rows_of_its_slice_and_merges(power):
    batch = {**BATCH, "example_weights": np.random.default_rng(1).integers(0, 4, 900).astype(float)}
    splits = [(i, [piece]) for i, piece in enumerate(cut(batch, 100, 333))]
    found = evaluated(splits, config_of(asked_own("MedianError", power=power), EVERY_SLICE))
    assert len(found) > 20
    for key, values in found.items():
        inside = rows_in(batch, key)
        errors = np.abs(batch["labels"] - batch["predictions"])[inside] ** power
        (value,) = values.values()
        assert value == weighted_median(errors, batch["example_weights"][inside])


def test_metrics_that_differ_in_a_setting_alone_do_not_share_their_objects():
    config = config_of(f"{asked_own('MedianError')} {asked_own('MedianError', power=2, name='squared')}")
    values = {metric.key.name: value for metric, value in whole(BATCH, config)[()].items()}
    assert values["squared"] == pytest.approx(values["median_error"] ** 2)


def test_classes_and_averages_come_by_themselves():
    batch = hard_classes(400)
    spec = (
        "binarize { class_ids { values: [0, 2] } } aggregate { macro_average: true class_weights { key: 0 value: 1 } "
    )
    config = config_of(f"{spec} class_weights {{ key: 2 value: 3 }} }} {asked_own('MedianError')}")
    found = {(m.key.sub_key, bool(m.key.aggregation_type)): value for m, value in whole(batch, config)[()].items()}
    of_class = {key.class_id: value for (key, _), value in found.items() if key is not None}
    assert of_class.keys() == {0, 2}
    assert found[None, True] == pytest.approx((of_class[0] + 3 * of_class[2]) / 4)


def test_a_metric_is_equal_to_itself_after_a_journey():
    for metric in metrics_of(config_of(" ".join(map(asked_own, ("Lift", "PinballLoss", "MedianError"))))):
        assert pickle.loads(pickle.dumps(metric)) == metric


def records(config, method=""):
    if method:
        config.options.compute_confidence_intervals.value = True
        config.options.confidence_intervals.method = method
    batches = [placed(piece, split=i, first=300 * i) for i, piece in enumerate(pieces(BATCH))]
    output = run(batches, MetricsAndPlotsEvaluator(config).ptransform)
    return {slice_key_from_proto(r.slice_key): r for r in map(MetricsForSlice.FromString, output["metrics"])}


_WITH_FORMULAS = """
    import numpy as np
    from assay.metrics.own import Confusion, Rate, Ratio, mean_of, metric, ratio

    @metric("Found", needs=Confusion(), spread=Rate(("tp",), ("fn",)), undefined="no positives")
    def found(c): return ratio(c.tp, c.tp + c.fn)

    def distance(labels, predictions): return np.abs(labels - predictions)

    @metric("Distance", needs=mean_of(distance), spread=Ratio(), undefined="no rows")
    def mean_distance(e): return ratio(e.error, e.weight)
"""


def test_intervals_by_formula_of_declarations_are_those_of_ours(module):
    name = module(_WITH_FORMULAS)
    ours = " ".join(f"metrics {{ class_name: '{one}' }}" for one in ("Recall", "MeanAbsoluteError"))
    asked = f"{of_module(name, 'Found')} {of_module(name, 'Distance')} {ours}"
    for record in records(config_of(asked, BY_GROUP), method=_method("ANALYTIC", 0)).values():
        fields = {item.key.name: item.confidence_interval for item in record.metric_keys_and_values}
        assert fields["found"].HasField("lower_bound")
        for own, twin in (("found", "recall"), ("distance", "mean_absolute_error")):
            for end in ("lower_bound", "upper_bound", "standard_error"):
                ends = [getattr(fields[one], end).double_value.value for one in (own, twin)]
                assert ends[0] == pytest.approx(ends[1], rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        ('Rate(("hit",), ("fn",))', "expected some of tp, fp, tn and fn, found hit"),
        ("Ratio()", "expected needs that are sums over rows"),
    ],
)
def test_a_formula_for_another_state_is_refused(spread, expected, module):
    text = _WITH_FORMULAS.replace('Rate(("tp",), ("fn",))', spread)
    with pytest.raises(ConfigError, match=expected):
        records(config_of(of_module(module(text), "Found")), method=_method("ANALYTIC", 0))


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_intervals_of_the_mean_of_a_class_are_those_of_ours(method, module):
    name = module("""
        class MeanError:
            def __init__(self): self.sums = (0.0, 0.0)
            def update(self, labels, predictions, weights):
                self.sums = (self.sums[0] + weights @ abs(labels - predictions), self.sums[1] + weights.sum())
            def merge(self, other):
                self.sums = (self.sums[0] + other.sums[0], self.sums[1] + other.sums[1])
            def result(self): return self.sums[0] / self.sums[1]
    """)
    asked = f"{of_module(name, 'MeanError')} metrics {{ class_name: 'MeanAbsoluteError' }}"
    value = {"JACKKNIFE": 1, "POISSON_BOOTSTRAP": 0}[method]
    for record in records(config_of(asked, BY_GROUP), method=_method(method, value)).values():
        own, ours = sorted(record.metric_keys_and_values, key=lambda item: item.key.name, reverse=True)
        assert own.value.double_value.value == pytest.approx(ours.value.double_value.value, rel=1e-9)
        errors = [one.confidence_interval.standard_error.double_value.value for one in (own, ours)]
        assert errors[0] == pytest.approx(errors[1], rel=1e-6)


def _method(name, _):
    from assay.proto.config_pb2 import ConfidenceIntervalOptions

    return ConfidenceIntervalOptions.ConfidenceIntervalMethod.Value(name)


def test_a_slice_without_a_value_says_why_in_the_words_of_the_declaration():
    config = config_of(asked_own("Lift", thresholds=[0.999]), BY_GROUP)
    undefined = [record for record in records(config).values() if record.undefined]
    assert undefined
    assert {item.reason for record in undefined for item in record.undefined} == {"no positive predictions or labels"}


CLASS = """
    class Own:
        undefined = "{undefined}"
        range = "{range}"
        def __init__(self): self.seen = 0.0
        def update(self, labels, predictions, weights): {update}
        def merge(self, other): {merge}
        def result(self): {result}
"""
GOOD = {
    "undefined": "",
    "range": "",
    "update": "self.seen += float(weights.sum())",
    "merge": "self.seen += other.seen",
    "result": "return self.seen",
}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"update": "raise KeyError('age')"}, r"update raised KeyError: 'age' \(own_\d+.py, line 6\)$"),
        ({"merge": "raise ValueError('no')"}, r"merge raised ValueError: no \(own_\d+.py, line 7\)$"),
        ({"result": "return 1 / 0"}, r"result raised ZeroDivisionError: division by zero \(own_\d+.py, line 8\)$"),
        ({"result": "return 'many'"}, r"result gave a str; expected one number$"),
        ({"result": "return None"}, r"result gave a NoneType; expected one number$"),
        ({"result": "return [1.0, 2.0]"}, r"result gave an array of the shape \(2,\); expected one number$"),
        ({"result": "return float('nan')"}, r"result is NaN; return a number, or set `undefined` of the class to text"),
        (
            {"range": "[0, 1]"},
            r"the value is [\d.]+, but the metric declares the range \[0, 1\]; correct one of the two",
        ),
        ({"merge": "pass"}, r"does not merge: \d+ rows give [\d.]+ at once, and [\d.]+ as two parts that are merged; "),
        (
            {"update": "self.seen = lambda: 0"},
            r"its objects cannot be pickled \(raised .*\), as they travel .*; keep num",
        ),
    ],
)
def test_a_class_that_fails_or_gives_nonsense_is_told_with_module_and_slice(fault, message, module):
    name = module(CLASS.format(**(GOOD | fault)))
    with pytest.raises(MetricError, match=rf"^metric Own of module {name}, slice .*: {message}"):
        whole(BATCH, config_of(of_module(name, "Own"), BY_GROUP))


def test_a_good_class_of_the_same_form_is_computed(module):
    name = module(CLASS.format(**GOOD))
    (value,) = whole(BATCH, config_of(of_module(name, "Own")))[()].values()
    assert value == pytest.approx(BATCH["example_weights"].sum())


def test_a_failure_in_one_slice_names_that_slice(module):
    group = sorted({str(g) for g in BATCH["features"]["group"].to_pylist()})[1]
    rows = int((rows_in(BATCH, [("group", group)]) & (BATCH["example_weights"] > 0)).sum())
    name = module(f"""
        class Own:
            def __init__(self): self.rows = 0
            def update(self, labels, predictions, weights): self.rows += len(labels)
            def merge(self, other): self.rows += other.rows
            def result(self):
                if self.rows == {rows}: raise ValueError("not here")
                return self.rows
    """)
    with pytest.raises(
        MetricError, match=rf"of module {name}, slice group={group}: result raised ValueError: not here"
    ):
        whole(BATCH, config_of(of_module(name, "Own"), BY_GROUP))


def test_an_approximate_class_may_say_how_much_its_result_depends_on_merging(module):
    source = """
        class Sketch:
            {tolerance}
            def __init__(self): self.mean, self.batches = 0.0, 0
            def update(self, labels, predictions, weights):
                self.mean, self.batches = self.mean + predictions.mean(), self.batches + 1
            def merge(self, other):
                self.mean, self.batches = self.mean + other.mean, self.batches + other.batches
            def result(self): return self.mean / self.batches
    """
    assert whole(BATCH, config_of(of_module(module(source.format(tolerance="tolerance = 0.5")), "Sketch")))
    with pytest.raises(MetricError, match="does not merge"):
        whole(BATCH, config_of(of_module(module(source.format(tolerance="")), "Sketch")))


DECLARED = """
    import numpy as np
    from assay.metrics.own import Means, mean_of, metric

    @metric("Own", needs=Means(), {facts})
    def own(m):
        return {value}
"""


@pytest.mark.parametrize(
    ("facts", "value", "message"),
    [
        (
            "",
            "1 / 0",
            r"raised ZeroDivisionError: division by zero \(own_\d+.py, line 7\) \(slices are computed together",
        ),
        ("", "3.0", r"expected an array of numbers, one \(or one list\) for each of \d+ slices; found float$"),
        ("", "m.weight.astype(str)", r"expected an array of numbers, .*; found an array of <U\d+$"),
        ("", "m.weight[:1]", r"expected an array of numbers, .*; found the shape \(1,\)$"),
        (
            "",
            "m.weight * np.nan",
            r"the value is NaN; return a number, or declare `undefined`, which says when there is",
        ),
        (
            "range='[0, 0.25]'",
            "m.label / m.weight",
            r"the value is 0.\d+, but the metric declares the range \[0, 0.25\]",
        ),
    ],
)
def test_a_declaration_that_fails_or_gives_nonsense_is_told_with_module_and_slice(facts, value, message, module):
    name = module(DECLARED.format(facts=facts, value=value))
    with pytest.raises(MetricError, match=rf"^metric Own of module {name}, slice .*: {message}"):
        whole(BATCH, config_of(of_module(name, "Own"), BY_GROUP))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1 / 0", r"raised ZeroDivisionError: division by zero \(own_\d+.py, line 4\), on 900 rows$"),
        ("labels.mean()", r"expected a number for each of 900 rows, found the shape \(\)$"),
        ("labels / 0 * 0", r"expected finite numbers, found nan for label [\d.]+ and prediction [\d.]+$"),
    ],
)
def test_a_function_of_rows_that_fails_or_gives_nonsense_is_told_by_name(rows, message, module):
    name = module(f"""
        from assay.metrics.own import mean_of, metric, ratio
        def loss(labels, predictions):
            return {rows}
        @metric("Own", needs=mean_of(loss), undefined="no weight")
        def own(e):
            return ratio(e.error, e.weight)
    """)
    with pytest.raises(MetricError, match=rf"^function loss of module {name}:? {message}"):
        whole(BATCH, config_of(of_module(name, "Own")))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "",
            r"module '{name}' has no metric 'Own'; there are none; expected a function declared by @metric\(\"Own",
        ),
        ("class Owm:\n  update = merge = result = print", "has no metric 'Own'; did you mean 'Owm'\\? there are Owm; "),
        (
            "class Own:\n  update = merge = print",
            r"{name}.Own has no result; expected a class with update, merge, result",
        ),
        (
            "class Own:\n  update = merge = result = print\n  better = 'more'",
            "Own.better: expected 'higher' or 'lower'",
        ),
        ("class Own:\n  update = merge = result = print\n  range = (0, 1)", "Own.range: expected str as a fact of the"),
        (
            "class Own:\n  update = merge = result = print\n  def __init__(self, top_k=1): pass",
            "Own has an argument 'top_k', which every metric has already; rename it",
        ),
        (
            "class Own:\n  def update(self, labels, predictions): pass\n  merge = result = print",
            r"update of Own takes no weights, .* or a metrics spec with example_weights: {{unweighted: true}}",
        ),
    ],
)
def test_what_is_no_metric_is_refused_where_it_is_named(source, message, module):
    name = module(source)
    with pytest.raises(EvalConfigError, match=r"^metrics_specs\[0\].metrics\[0\]: .*" + message.format(name=name)):
        metrics_of(config_of(of_module(name, "Own")))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"powr": 2}', "MedianError has no setting 'powr'; did you mean 'power'"),
        ('{"power": "high"}', None),
        ('{"name": 3}', "name: expected text, found 3"),
    ],
)
def test_settings_are_arguments_of_the_class(config, message):
    asked = config_of(of_module(OWN, "MedianError", config))
    if message is None:
        assert metrics_of(asked)
        return
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(asked)


def test_a_module_that_is_not_there_or_raises_is_told_by_name(module, monkeypatch):
    with pytest.raises(
        EvalConfigError,
        match=r"^metrics_specs\[0\].metrics\[0\]: module 'nowhere' cannot be imported: there is none of that name",
    ):
        metrics_of(config_of(of_module("nowhere", "Own")))


def test_a_config_with_metrics_of_other_modules_can_be_checked_without_them():
    config = parse_eval_config(
        {
            "model_specs": [{"label_key": "l", "prediction_key": "p"}],
            "metrics_specs": [{"metrics": [{"class_name": "Lift", "module": "nowhere"}, {"class_name": "AUC"}]}],
        }
    )
    resolved = resolve_eval_config(config)
    check_eval_config(resolved)
    assert [metric.class_name for metric in metrics_of(resolved, own_modules=False)] == ["AUC"]


def test_thresholds_beyond_the_declared_range_are_refused():
    threshold = "threshold { value_threshold { upper_bound { value: -1 } } }"
    asked = f"metrics {{ class_name: 'Lift' module: '{OWN}' {threshold} }}"
    with pytest.raises(EvalConfigError, match=r"no value is at most -1, as values of Lift lie in \[0, inf\); correct"):
        metrics_of(config_of(asked))
