"""Globs on a disk, beside those of the standard library."""

import glob
import os
import random

import pytest

from assay import storage
from assay.errors import ConfigError
from assay.storage.globs import paths, walked, without_folders

FOLDERS = ["", "a", "a/b", "a/b/c", "b", ".hidden", "a/.hidden/b"]
NAMES = ["x.csv", "y.csv", "x.txt", ".x.csv", "ab"]
PARTS = ["*", "**", "a", "b", "?", "[ab]", "*.csv", "x.*", "[!a]*", ".*"]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            (tmp_path / folder / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("is_absolute", [True, False])
def test_files_are_those_of_the_standard_library(tree, seed, is_absolute):
    rng = random.Random(seed)
    for _ in range(40):
        parts = rng.choices(PARTS, k=rng.randint(1, 4))
        pattern = "/".join([str(tree), *parts] if is_absolute else parts)
        expected = glob.glob(pattern, recursive=True, include_hidden=True)
        assert set(storage.match(pattern)) == {path for path in expected if os.path.isfile(path)}, pattern


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("./a/*.csv", ["./a/.x.csv", "./a/x.csv", "./a/y.csv"]),
        ("a//b/x*", ["a//b/x.csv", "a//b/x.txt"]),
        ("../{here}/a/?.txt", ["../{here}/a/x.txt"]),
        ("none/*", []),
        ("x.csv/*", []),
        ("a/***/x.txt", ["a/.hidden/b/x.txt", "a/b/c/x.txt", "a/b/x.txt", "a/x.txt"]),
    ],
)
def test_names_are_spelled_as_in_the_pattern(tree, pattern, names):
    here = tree.name
    found = sorted(storage.match(pattern.format(here=here)))
    assert [os.path.normpath(name) for name in found] == [os.path.normpath(name.format(here=here)) for name in names]


def test_two_stars_do_not_go_round_in_circles_through_links(tree):
    for name in ("again", "once-more"):
        os.symlink(tree, tree / "a" / name)
    assert len(set(paths(f"{tree}/**/x.csv"))) == len(FOLDERS)
    assert f"{tree}/a/again/x.csv" in set(paths(f"{tree}/a/*/x.csv"))


def test_the_folders_that_two_stars_look_into(tree):
    assert sorted(walked(f"{tree}/[a]/**/x.csv")) == [
        f"{tree}/{name}" for name in ("a", "a/.hidden", "a/.hidden/b", "a/b", "a/b/c")
    ]
    assert list(walked(f"{tree}/*/x.csv")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_cannot_be_looked_into_is_told(tree):
    (tree / "a" / "b").chmod(0)
    try:
        with pytest.raises(ConfigError, match="Permission denied"):
            storage.match(f"{tree}/**/x.csv")
    finally:
        (tree / "a" / "b").chmod(0o755)


@pytest.mark.parametrize(
    ("pattern", "forms"),
    [
        ("/a/*.csv", ["/a/*.csv"]),
        ("/a/**/x.csv", ["/a/**/x.csv", "/a/x.csv"]),
        ("/**/x.csv", ["/**/x.csv", "/x.csv"]),
        ("/**/a/**/x", ["/**/a/**/x", "/a/**/x", "/**/a/x", "/a/x"]),
        ("/a/**/**/x", ["/a/**/x", "/a/x"]),
        ("/a/b**/x", ["/a/b**/x"]),
        ("/a/**", ["/a/**"]),
    ],
)
def test_a_bucket_is_also_asked_for_what_is_in_no_folder(pattern, forms):
    assert without_folders(pattern) == forms
