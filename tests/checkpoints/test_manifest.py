"""Manifests as files: what comes back, and what is refused."""

import dataclasses
import json
from typing import Any

import pytest

from assay.checkpoints.manifest import Manifest, Shard, Step, from_json, root_of, to_json
from assay.errors import CheckpointError
from assay.verdict import Counts, total

DIGEST, OTHER = "ab" * 32, "cd" * 32
PLACE = f"gs://bucket/checkpoints/Extract/{DIGEST}/manifest.json"
COUNTS = Counts(90, {"unreadable": 2}, {"rows": 3, "labels": 0})


def shard(**facts: Any) -> Shard:
    defaults: dict[str, Any] = {
        "name": f"{DIGEST}/attempt-1/0.arrow",
        "size": 2**40,
        "generation": "17",
        "crc32c": 2**32 - 1,
        "rows": 100,
    }
    return Shard(**{**defaults, **facts})


WHOLE = Manifest(
    task="Extract",
    kind="extract",
    digest=DIGEST,
    content=OTHER,
    attempt="attempt-1",
    created=1_700_000_000.123456,
    seconds=0.1,
    version="0.1.0",
    lineage={"ReadInputs": Step(digest=OTHER, counts=COUNTS), "Extract": Step(digest=DIGEST, counts=Counts(0))},
    shards=(
        shard(split=0, file="gs://data/größe.parquet", row=2**40),
        shard(name=f"{OTHER}/attempt-0/1.tfrecord", output="metrics"),
    ),
    inputs={"/data/a b.parquet": "17-3"},
    models={"m": {"": "1", "/variables/variables.index": "2"}},
    outputs=("metrics", "plots"),
    verdict={"status": "BLESSED", "reasons": []},
)


@pytest.mark.parametrize("manifest", [WHOLE, dataclasses.replace(WHOLE, shards=(), verdict=None)])
def test_a_manifest_comes_back_as_it_was(manifest):
    content = to_json(manifest)
    assert from_json(content, PLACE) == manifest
    assert to_json(from_json(content, PLACE)) == content


def test_a_manifest_sums_up_its_shards_and_all_tasks_before_it():
    assert (WHOLE.rows, WHOLE.size, WHOLE.counts) == (200, 2**41, COUNTS)
    assert total([COUNTS, COUNTS]) == Counts(180, {"unreadable": 4}, {"rows": 6, "labels": 0})
    assert total([]) == Counts(0)


def test_shards_are_sorted_by_the_place_of_their_rows_in_the_input():
    later = [
        shard(split=-1),
        shard(split=0, file="a", row=9),
        shard(split=0, file="a", row=10),
        shard(split=0, file="b", row=0),
        shard(split=10, file="a", row=0),
        shard(output="metrics"),
    ]
    assert sorted(reversed(later), key=lambda of: of.position) == later


def test_the_root_is_what_lies_three_steps_above_a_manifest():
    assert root_of(PLACE) == "gs://bucket/checkpoints"
    assert root_of(f"/a/b/Extract/{DIGEST}/manifest.json") == "/a/b"


@pytest.mark.parametrize(
    "uri",
    [
        f"gs://bucket/checkpoints/Extract/{OTHER}/manifest.json",
        f"gs://bucket/checkpoints/ReadInputs/{DIGEST}/manifest.json",
    ],
)
def test_a_manifest_that_was_moved_is_refused(uri):
    with pytest.raises(CheckpointError, match="it was moved here"):
        from_json(to_json(WHOLE), uri)


def test_a_whole_root_may_be_moved():
    assert from_json(to_json(WHOLE), f"/elsewhere/Extract/{DIGEST}/manifest.json") == WHOLE


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        f"{DIGEST}/../secret",
        f"{DIGEST}/attempt-1/..",
        f"{DIGEST}/attempt-1/../../../x",
        f"{DIGEST}/./x",
        f"/{DIGEST}/attempt-1",
        f"{DIGEST}//x",
        "gs://other/x",
        "/etc/passwd",
        f"{DIGEST}/attempt-1",
        f"{DIGEST}/attempt-1/a/b",
        f"{DIGEST}/attempt-1/.hidden",
        f"{DIGEST}/attempt-1/a\\b",
        f"{DIGEST}/attempt-1/a\n",
        f"{DIGEST}/attempt-1/a?b",
        f"{DIGEST.upper()}/attempt-1/a",
        f"{DIGEST[:-1]}/attempt-1/a",
        "",
    ],
)
def test_a_manifest_that_leads_outside_of_its_folder_is_refused(name):
    harmful = dataclasses.replace(WHOLE, shards=(shard(), shard(name=name)))
    with pytest.raises(CheckpointError, match="names a shard outside of its folder"):
        from_json(to_json(harmful), PLACE)


def edited(**changes: Any) -> bytes:
    return json.dumps({**json.loads(to_json(WHOLE)), **changes}).encode()


def without(key: str) -> bytes:
    return json.dumps({k: v for k, v in json.loads(to_json(WHOLE)).items() if k != key}).encode()


BROKEN = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "no mapping": b"[]",
    "null": b"null",
    "another format": edited(format=2),
    "no format": without("format"),
    "an unknown key": edited(more=1),
    "shards that are none": edited(shards=[1]),
    "a shard without a name": edited(shards=[{"size": 1}]),
    "a shard with a number as its name": edited(
        shards=[dataclasses.asdict(dataclasses.replace(shard(), name=1))]  # type: ignore[arg-type]
    ),
    "no list of shards": edited(shards=None),
    "a lineage that is none": edited(lineage=[]),
    "a step without counts": edited(lineage={"Extract": {"digest": DIGEST}}),
    "a number as its digest": edited(digest=1),
    **{f"no {key}": without(key) for key in ("task", "digest", "content", "lineage", "shards", "outputs")},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_manifest_is_refused_with_its_place(name):
    with pytest.raises(CheckpointError, match=PLACE) as caught:
        from_json(BROKEN[name], PLACE)
    assert caught.value.exit_code == 64


def test_a_manifest_cut_off_anywhere_is_refused():
    content = to_json(WHOLE)
    for end in range(len(content)):
        with pytest.raises(CheckpointError):
            from_json(content[:end], PLACE)
