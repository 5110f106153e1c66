"""Labels, weights and predictions that stand in columns."""

import pyarrow as pa
import pytest

import assay
from assay.errors import ColumnTypeError

TEXTS = pa.array(["no", "yes", "no"])
COLUMNS = [
    *(TEXTS.cast(kind) for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())),
    TEXTS.dictionary_encode(),
    pa.array([["no"], ["yes"], ["no"]]),
    pa.array([["no"], ["yes"], ["no"]], pa.large_list(pa.large_string())),
    pa.array([["no"], ["yes"], ["no"]], pa.list_(pa.string(), 1)),
    pa.array([["no"], ["yes"], ["no"]], pa.list_view(pa.string())),
    pa.RunEndEncodedArray.from_arrays([1, 2, 3], ["no", "yes", "no"]),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type))
@pytest.mark.parametrize(("role", "cure"), [("label", r'positive_label: "yes"'), ("prediction", "holds scores")])
def test_text_in_the_place_of_numbers_is_shown_with_the_cure_whichever_type_holds_it(column, role, cure):
    table = {"label": pa.array([0, 1, 0]), "prediction": pa.array([0.1, 0.9, 0.2]), role: column}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}],
    }
    with pytest.raises(ColumnTypeError, match=rf"column '{role}'.*found b?'no', b?'yes'; .*{cure}"):
        assay.analyze_raw_data(pa.table(table), config)
