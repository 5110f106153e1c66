"""A file is read once, however many names lead to it."""

import os
import shutil

import pytest

import assay
from assay.errors import InputError
from assay.readers.listing import find
from assay.readers.same_files import once
from assay.readers.source import file_ids
from tests.doors import OF_FILES, frame_of_files, refusal_of_files

CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "MeanLabel"}]}],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`data` with three files of one row each; the working folder is the one above."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    for label, name in enumerate(["1.csv", "2.csv", "deep/3.csv"]):
        (tmp_path / "data" / name).write_text(f"label,score,id\n{label},0.5,{label}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["data/1.csv", "./data/1.csv"], ["data/1.csv"]),
        (["./data/1.csv", "data/1.csv", "data//1.csv"], ["./data/1.csv"]),
        (["data/1.csv", "{here}/data/1.csv", "data/2.csv"], ["data/1.csv", "data/2.csv"]),
        (["data/deep/../1.csv", "data/1.csv"], ["data/deep/../1.csv"]),
        (["data/1.csv", "data/[1]*", "data/*.csv"], ["data/1.csv", "data/2.csv"]),
        (["data", "./data/", "data/**"], ["data/1.csv", "data/2.csv", "data/deep/3.csv"]),
        (["data/**/*.csv", "{here}/data"], ["data/1.csv", "data/2.csv", "data/deep/3.csv"]),
    ],
)
def test_a_name_that_is_spelled_in_two_ways_stands_for_one_file(folder, names, kept):
    assert list(find([name.format(here=folder) for name in names])) == kept


LINKS = [
    ({"data/latest.csv": "2.csv"}, "data", 3),
    ({"data/latest.csv": "2.csv"}, "data/*.csv", 2),
    ({"data/0.csv": "2.csv", "data/latest.csv": "0.csv"}, "data/*.csv", 2),
    ({"data/latest.csv": "deep/3.csv"}, "data/*.csv", 3),
    ({"data/latest.csv": "deep/3.csv"}, "data/**/*.csv", 3),
    ({"latest": "data"}, "*/*.csv", 2),
    ({"links/a.csv": "../data/1.csv", "links/b.csv": "../data/2.csv"}, "links", 2),
]
"""Link -> where it leads, what is read, and how many rows that has."""


def link(folder, links):
    for name, target in links.items():
        (folder / name).parent.mkdir(exist_ok=True)
        os.symlink(target, folder / name)


@pytest.mark.parametrize(("links", "files", "rows"), LINKS)
def test_a_file_counts_once_beside_links_to_it(folder, links, files, rows):
    link(folder, links)
    found = find([files])
    assert len(found) == rows
    assert not [
        name for name in found if os.path.islink(name) and os.path.realpath(name) in map(os.path.abspath, found)
    ]


@pytest.mark.parametrize("door", OF_FILES)
def test_every_door_counts_rows_behind_a_link_once(folder, door):
    link(folder, {"data/latest.csv": "2.csv"})
    frame = frame_of_files(door, "data/*.csv", CONFIG, folder)
    assert dict(zip(frame["metric"], frame["value"], strict=True)) == {"example_count": 2, "mean_label": 0.5}


@pytest.mark.parametrize("checkpoints", [None, "root"])
def test_two_spellings_count_once_from_python_with_checkpoints_and_without(folder, checkpoints):
    names = ["data/1.csv", "./data/1.csv", str(folder / "data" / "2.csv"), "data//2.csv"]
    result = assay.run_model_analysis(CONFIG, data_location=names, file_format="csv", checkpoints=checkpoints)
    metrics = result.get_metrics_for_all_slices()[()]
    assert metrics["example_count"]["doubleValue"] == 2
    assert metrics["mean_label"]["doubleValue"] == 0.5


@pytest.mark.parametrize(
    "names",
    [
        ["data/2.csv", "./data/1.csv", "{here}/data/deep/3.csv"],
        ["{here}/data/1.csv", "data//2.csv", "data/deep/../deep/3.csv"],
        ["./data/deep/3.csv", "data/1.csv", "{here}/data/2.csv"],
    ],
)
def test_spelling_changes_neither_the_order_of_files_nor_what_rows_are_drawn_by(folder, names):
    files = list(find([name.format(here=folder) for name in names]))
    assert [os.path.basename(file) for file in files] == ["1.csv", "2.csv", "3.csv"]
    assert list(file_ids(files).values()) == list(file_ids(list(find(["data"]))).values())


@pytest.mark.parametrize("method", ["POISSON_BOOTSTRAP", "JACKKNIFE"])
def test_intervals_are_the_same_with_checkpoints_and_without_however_files_are_spelled(folder, method):
    for name in ("1", "2"):
        rows = "".join(f"{(i * 7 + int(name)) % 3 % 2},{i % 10 / 10},{i}\n" for i in range(60))
        (folder / "data" / f"{name}.csv").write_text(f"label,score,id\n{rows}")
    config = {**CONFIG, "options": {"compute_confidence_intervals": True, "confidence_intervals": {"method": method}}}
    found = [
        assay.run_model_analysis(config, data_location=names, file_format="csv", checkpoints=root).slicing_metrics
        for names in (["./data/2.csv", "data/1.csv"], ["data/1.csv", str(folder / "data" / "2.csv")])
        for root in (None, "root")
    ]
    assert found[0] == found[1] == found[2] == found[3]
    assert "boundedValue" in str(found[0])


def test_a_second_source_of_two_spellings_has_each_key_once(folder):
    (folder / "rows.csv").write_text("id,prediction\n0,0.5\n1,0.5\n")
    link(folder, {"data/latest.csv": "1.csv"})
    join = {"files": ["data/1.csv", "./data/*.csv"], "on": ["id"], "columns": ["label"]}
    config = {**CONFIG, "model_specs": [{"label_key": "label", "prediction_key": "prediction"}]}
    frame = frame_of_files("command", "rows.csv", config, folder, join=join, columns=["prediction"])
    assert dict(zip(frame["metric"], frame["value"], strict=True)) == {"example_count": 2, "mean_label": 0.5}


@pytest.mark.parametrize("door", OF_FILES)
def test_two_links_to_a_file_that_is_not_read_itself_are_refused_by_name(folder, door):
    link(folder, {"links/a.csv": "../data/1.csv", "links/b.csv": "../data/1.csv", "links/c.csv": "../data/2.csv"})
    told = refusal_of_files(door, "links/*.csv", CONFIG, folder)
    assert f"{folder}/links/a.csv and {folder}/links/b.csv are links to one file" in told
    assert "name one of them, or copy the file" in told


@pytest.mark.parametrize("copy", [os.link, shutil.copy])
def test_files_of_equal_content_are_two_files_and_so_are_hard_links(folder, copy):
    copy(folder / "data" / "1.csv", folder / "data" / "9.csv")
    assert list(find(["data/*.csv", "./data/9.csv"])) == ["data/1.csv", "data/2.csv", "data/9.csv"]


@pytest.mark.parametrize("files", ["data", "data/*.csv", "data/**/*.csv"])
def test_a_link_to_nothing_is_not_left_out_in_silence(folder, files):
    link(folder, {"data/8.csv": "gone.csv"})
    with pytest.raises(InputError, match=r"data/8\.csv is a link to gone\.csv, where there is nothing"):
        find([files])


def test_links_to_nothing_that_are_no_data_do_not_matter(folder):
    link(folder, {"data/.#1.csv": "somebody@edits.it", "data/README": "gone"})
    assert list(find(["data/*.csv"])) == ["data/1.csv", "data/2.csv"]


def test_two_stars_do_not_leave_out_what_is_behind_a_link_in_silence(folder):
    link(folder, {"data/more": "../elsewhere/", "elsewhere/4.csv": "../data/1.csv"})
    with pytest.raises(InputError, match="data/more is a link to a folder; name the folder that it leads to"):
        find(["data/**/*.csv"])
    link(folder, {"data/deep/.venv/lib": "../.."})
    (folder / "data" / "more").unlink()
    assert len(find(["data/**/*.csv"])) == len(find(["data"])) == 3


def test_names_in_a_bucket_are_objects_of_their_own():
    names = ["gs://b/x.csv", "gs://b//x.csv", "gs://b/./x.csv"]
    assert once(names, "inputs.files") == names
