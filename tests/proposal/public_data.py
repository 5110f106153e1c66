"""Public data sets that packages ship, with predictions that models of scikit-learn made for rows they had not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EXAMPLES = Path(__file__).parents[2] / "examples"


def classifier() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def regressor() -> RegressorMixin:
    return make_pipeline(StandardScaler(), LinearRegression())


def probabilities(features, labels, folds: int = 3) -> np.ndarray:
    """A number for each class and row."""
    cut = StratifiedKFold(folds, shuffle=True, random_state=0)
    return np.asarray(cross_val_predict(classifier(), features, labels, cv=cut, method="predict_proba"))


def predictions(features, labels) -> np.ndarray:
    """A number for each row."""
    return np.asarray(cross_val_predict(regressor(), features, labels, cv=KFold(5, shuffle=True, random_state=0)))


def iris() -> pd.DataFrame:
    """Flowers of three species; names as labels, and a column of probabilities for each."""
    found = datasets.load_iris(as_frame=True)
    frame: pd.DataFrame = found.data.copy()
    frame["species"] = found.target_names[found.target]
    chances = probabilities(found.data, frame["species"])
    for at, name in enumerate(sorted(found.target_names)):
        frame[f"prob_{name}"] = chances[:, at]
    return frame.rename(columns={"species": "label"})


def breast_cancer() -> pd.DataFrame:
    """Tumours; 0 and 1, and one probability."""
    found = datasets.load_breast_cancer(as_frame=True)
    frame: pd.DataFrame = found.data.copy()
    frame["size"] = np.where(frame["mean radius"] > 14, "large", "small")
    frame["target"], frame["score"] = found.target, probabilities(found.data, found.target)[:, 1]
    return frame


def diagnosis() -> pd.DataFrame:
    """The same with texts as labels, and percents."""
    frame = breast_cancer()
    frame["diagnosis"] = np.where(frame.pop("target") == 1, "benign", "malignant")
    frame["diagnosis_prediction"] = 100 * (1 - frame.pop("score"))
    return frame[["size", "mean texture", "diagnosis", "diagnosis_prediction"]]


def logits() -> pd.DataFrame:
    """The same with the two numbers that a model gives before it makes probabilities, and -1 and 1."""
    found = datasets.load_breast_cancer(as_frame=True)
    sure = np.clip(probabilities(found.data, found.target)[:, 1], 1e-9, 1 - 1e-9)
    return pd.DataFrame({"y": 2 * found.target - 1, "logit": np.log(sure / (1 - sure))})


def diabetes() -> pd.DataFrame:
    """The course of an illness; a number, and a prediction of it."""
    found = datasets.load_diabetes(as_frame=True, scaled=False)
    frame: pd.DataFrame = found.data.copy()
    frame["target"], frame["prediction"] = found.target, predictions(found.data, found.target)
    return frame


def wine() -> pd.DataFrame:
    """Wines of three growers; class ids, and lists of probabilities."""
    found = datasets.load_wine(as_frame=True)
    frame: pd.DataFrame = found.data[["alcohol", "hue"]].copy()
    frame["target"], frame["probabilities"] = found.target, list(probabilities(found.data, found.target))
    return frame


def digits() -> pd.DataFrame:
    """Handwritten digits; class ids, the predicted class and lists of probabilities."""
    found = datasets.load_digits()
    chances = probabilities(found.data, found.target)
    frame = pd.DataFrame({"y_true": found.target, "y_pred": chances.argmax(axis=1), "y_proba": list(chances)})
    frame["ink"] = np.where(found.data.sum(axis=1) > 315, "heavy", "light")
    return frame


def linnerud() -> pd.DataFrame:
    """Men in a fitness club, twenty of them; what a column `Weight` holds is theirs, and not that of a row."""
    found = datasets.load_linnerud(as_frame=True)
    frame: pd.DataFrame = found.target.copy()
    frame["outcome"], frame["predicted"] = found.data["Situps"], predictions(found.target, found.data["Situps"])
    return frame


def census() -> pd.DataFrame:
    """Who earns much? The label has no name that says so, but predictions agree with no other column."""
    frame = pd.read_parquet(EXAMPLES / "census" / "data" / "test.parquet").iloc[:20_000]
    features = frame[["age", "weeks_worked", "wage_per_hour", "capital_gains", "dividends"]]
    frame["prediction"] = probabilities(features, frame["income_50k"])[:, 1]
    return frame


def of_example(name: str) -> Callable[[], pd.DataFrame]:
    """The rows of an example of this repository."""
    return lambda: pd.read_parquet(EXAMPLES / name / "data" / "scored.parquet")


def of_statsmodels(name: str, label: str, *, is_class: bool) -> Callable[[], pd.DataFrame]:
    """A data set of statsmodels, with predictions of one of its columns from all others."""

    def load() -> pd.DataFrame:
        from statsmodels import datasets as more

        frame: pd.DataFrame = getattr(more, name).load_pandas().data.dropna()
        features = frame.drop(columns=[label]).select_dtypes("number")
        if is_class:
            frame["prob"] = probabilities(features, frame[label].astype(int))[:, 1]
        else:
            frame["prediction"] = predictions(features, frame[label])
        return frame.rename(columns={label: "actual"}).reset_index(drop=True)

    return load


SETS: dict[str, tuple[Callable[[], pd.DataFrame], str, str]] = {
    "iris": (iris, "parquet", "CategoricalAccuracy"),
    "breast_cancer": (breast_cancer, "parquet", "AUC"),
    "diagnosis": (diagnosis, "csv", "AUC"),
    "logits": (logits, "jsonl", "AUC"),
    "diabetes": (diabetes, "csv", "MeanAbsoluteError"),
    "wine": (wine, "jsonl", "CategoricalAccuracy"),
    "digits": (digits, "parquet", "CategoricalAccuracy"),
    "linnerud": (linnerud, "csv", "MeanAbsoluteError"),
    "census": (census, "parquet", "AUC"),
    "example digits": (of_example("digits"), "parquet", "CategoricalAccuracy"),
    "example topics": (of_example("topics"), "parquet", "LabelRankingAveragePrecision"),
    "example ranking": (of_example("ranking"), "parquet", "NDCG"),
    "fair": (of_statsmodels("fair", "affairs", is_class=False), "csv", "MeanAbsoluteError"),
    "spector": (of_statsmodels("spector", "GRADE", is_class=True), "parquet", "AUC"),
    "anes96": (of_statsmodels("anes96", "vote", is_class=True), "csv", "AUC"),
    "star98": (of_statsmodels("star98", "NABOVE", is_class=False), "parquet", "MeanAbsoluteError"),
    "engel": (of_statsmodels("engel", "foodexp", is_class=False), "jsonl", "MeanAbsoluteError"),
    "ccard": (of_statsmodels("ccard", "OWNRENT", is_class=True), "csv", "AUC"),
}
"""Name -> the rows, the format to keep them in, and the metric that a threshold is expected for."""


def write(frame: pd.DataFrame, form: str, folder: Path) -> Path:
    """Keeps rows in a file."""
    file = folder / f"scored.{form}"
    if form == "parquet":
        frame.to_parquet(file)
    elif form == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_json(file, orient="records", lines=True)
    return file
