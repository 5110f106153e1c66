"""What is cleared away under a root: only what is assay's own, only what nobody needs, whoever comes in between."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from assay import storage
from assay.checkpoints import clearing
from assay.checkpoints.clearing import clear
from assay.checkpoints.commit import commit, fault_of, find
from assay.checkpoints.heartbeat import GRACE_SECONDS, alive
from assay.checkpoints.layout import clearing_uri, manifest_uri
from assay.checkpoints.listing import checkpoints_of
from assay.checkpoints.runs import folder_of, lease, runs_of
from assay.cli import main
from assay.errors import CheckpointError, PublishLostError
from assay.plan.stored import FRESH_SECONDS
from assay.results.files import load_verdict
from assay.results.latest import results_folder
from tests.checkpoints.test_listing import DAY, EXTRACT, LOST, OTHER, READ, in_days, leave, make, record
from tests.small_analysis import ANALYSIS

PLAN = "e" * 64
TEMPORARY = f".{7:032x}.tmp"


@pytest.fixture(params=["folder", "gcs"])
def root(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "root")
    return f"{request.getfixturevalue('gcs').root}/{tmp_path.name}"


def put(root, name, content=b"{}"):
    storage.write(storage.join(root, name), content)
    return storage.join(root, name)


def names(root):
    return {uri.removeprefix(f"{root}/") for uri, _ in storage.list(root)}


# What is not ours -----------------------------------------------------------------------------------------------------

FOREIGN = [
    "2026/11/25/eval.parquet",
    "models/candidate/saved_model.pb",
    "results/today/results.json",
    "results/today/metrics-00000-of-00001.tfrecord",
    f"sha256/{'f' * 64}/layer.tar",
    f"sha256/{'f' * 64}/manifest.json",
    f"Read/{READ}/notes.txt",
    f"Read/{READ}/{LOST}/mine.arrow",
    f"Read/{READ}/attempt-mine/{1:032x}.arrow",
    f"Read/{READ}/{LOST}/deeper/{1:032x}.arrow",
    f"Read/{READ.upper()}/manifest.json",
    f"plans/{'e' * 63}.json",
    "plans/README.md",
    "runs/monday/notes.txt",
    "runs/events.out.tfevents",
    "report.json.tmp",
    "scratch/somebody/Read/x",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others_stay_wherever_they_lie_and_however_old(root, name):
    put(root, f"plans/{PLAN}.json")
    record(root, "monday", make(root, "Read", READ))
    leave(root, "Read", READ)
    uri = put(root, name, b"precious")
    gone = clear(root, DAY, now=in_days(10))
    assert uri not in gone
    assert len(gone) == 5  # plan, record, manifest, two shards
    assert names(root) == {name}
    assert storage.read(uri) == b"precious"


def test_a_folder_where_nothing_was_run_is_refused_though_it_holds_what_looks_like_checkpoints(root):
    put(root, f"models/{READ}/manifest.json", b'{"format": 1}')
    put(root, f"models/{READ}/{LOST}/{1:032x}.arrow")
    before = names(root)
    with pytest.raises(CheckpointError, match="expected a root of checkpoints, found neither plans/ nor runs/"):
        clear(root, 0, now=in_days(10))
    assert names(root) == before


@pytest.mark.parametrize("above", [".", "..", "../.."])
def test_a_folder_above_a_root_is_refused(tmp_path, above, capsys):
    root = str(tmp_path / "a" / "b" / "root")
    put(root, f"plans/{PLAN}.json")
    put(str(tmp_path), "data.csv")
    folder = os.path.normpath(os.path.join(root, "..", above))
    assert main(["checkpoints", folder, "--gc", "--min-age", "0s"]) == 64
    assert "expected a root of checkpoints" in capsys.readouterr().err
    assert os.path.exists(f"{root}/plans/{PLAN}.json")


def test_a_folder_that_is_not_there_yet_or_is_empty_has_nothing_to_clear(root):
    assert clear(root, 0) == []


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_links_are_not_followed(root, tmp_path):
    outside = tmp_path / "outside"
    (outside / READ / LOST).mkdir(parents=True)
    (outside / READ / LOST / f"{1:032x}.arrow").write_text("precious")
    put(root, f"plans/{PLAN}.json")
    os.symlink(outside, f"{root}/Read")
    clear(root, 0, now=in_days(10))
    assert (outside / READ / LOST / f"{1:032x}.arrow").read_text() == "precious"


def test_results_below_a_root_stay_through_the_command(tmp_path, capsys):
    root = str(tmp_path / "out")
    put(root, f"plans/{PLAN}.json")
    make(root, "Read", READ)
    results = put(root, "results/monday/results.json")
    assert main(["checkpoints", root, "--gc", "--min-age", "0s"]) == 0
    assert "deleted 2 files" in capsys.readouterr().out
    assert storage.stat(results) is not None


@pytest.mark.parametrize(
    ("uri", "output"),
    [
        ("folder", "root"),
        ("folder", "root/runs"),
        ("gcs", "root/2026/11/25"),
    ],
)
def test_results_of_a_run_below_its_root_stay_where_its_checkpoints_go(tmp_path, monkeypatch, request, uri, output):
    here = str(tmp_path) if uri == "folder" else f"{request.getfixturevalue('gcs').root}/{tmp_path.name}"
    storage.write(f"{here}/d.csv", b"label,score\n0,0.1\n1,0.9\n")
    (tmp_path / "a.yaml").write_text(ANALYSIS.replace("output: out", f"output: {output}"))
    monkeypatch.chdir(tmp_path)
    assert main(["run", "a.yaml", "--base", here, "--checkpoints", f"{here}/root", "--quiet"]) == 0
    before = contents(results_folder(f"{here}/{output}"))
    assert {"results.json", "verdict.json", "eval_config.json"} <= set(before)
    assert checkpoints_of(f"{here}/root")

    clear(f"{here}/root", 0, now=in_days(10))
    assert checkpoints_of(f"{here}/root") == []
    assert contents(results_folder(f"{here}/{output}")) == before
    assert load_verdict(f"{here}/{output}").rows == 2


def contents(folder):
    """File below a folder -> what is in it."""
    return {uri.removeprefix(f"{folder}/"): storage.read(uri) for uri, _ in storage.list(folder)}


# What is ours ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_would_go_and_deletes_nothing(root, capsys):
    put(root, f"plans/{PLAN}.json")
    make(root, "Read", READ)
    before = names(root)
    told = clear(root, 0, dry_run=True, now=time.time() + 1)
    assert sorted(name.rsplit(".", 1)[-1] for name in told) == ["arrow", "json"]  # the plan is fresh
    assert names(root) == before
    assert main(["checkpoints", root, "--gc", "--min-age", "0s", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert all(uri in printed for uri in told)
    assert "would delete 2 files" in printed
    assert names(root) == before
    assert clear(root, 0, now=time.time() + 1) == sorted(told, key=lambda uri: not uri.endswith("manifest.json"))


def test_a_dry_run_without_gc_is_a_wrong_call(root, capsys):
    assert main(["checkpoints", root, "--dry-run"]) == 64
    assert "--gc" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        f"runs/monday/Read.json{TEMPORARY}",
        f"runs/monday/Read.lease{TEMPORARY}",
        f"runs/monday/alive{TEMPORARY}",
        f"plans/{PLAN}.json{TEMPORARY}",
        f"Read/{READ}/manifest.json{TEMPORARY}",
        f"Read/{READ}/{LOST}/{1:032x}.arrow{TEMPORARY}",
    ],
)
@pytest.mark.parametrize("content", [b"", b"{", b'{"manifest": 1}'])
def test_what_a_killed_writer_left_is_no_record_and_goes_once_it_cannot_be_alive(root, name, content, capsys):
    put(root, f"plans/{PLAN}.json")
    put(root, name, content)
    assert main(["checkpoints", root]) == 0
    assert main(["checkpoints", root, "--gc", "--min-age", "0s"]) == 0
    assert name in names(root)  # its writer may be alive
    assert any(kept.startswith(("plans/", "runs/")) for kept in names(root))  # or this would be no root any more
    clear(root, 0, now=time.time() + GRACE_SECONDS + 1)
    assert name not in names(root)
    clear(root, 0, now=time.time() + FRESH_SECONDS + 1)
    assert names(root) == set()


def test_plans_go_with_the_last_run_that_used_them(root):
    put(root, f"plans/{PLAN}.json")
    put(root, "runs/monday/Gate.json", json.dumps({"manifest": "", "task": "Gate", "plan": PLAN}).encode())
    assert clear(root, 5 * DAY) == []
    clear(root, 5 * DAY, now=in_days(10))
    assert names(root) == set()


@pytest.mark.parametrize("task", ["runs", "plans", "scratch"])
def test_a_task_of_an_older_version_called_as_a_folder_of_the_root_is_listed_and_cleared(root, task):
    put(root, f"plans/{PLAN}.json")
    record(root, "monday", make(root, task, READ))
    (found,) = checkpoints_of(root)
    assert (found.task, found.state, found.runs) == (task, "done", ("monday",))
    assert [run.name for run in runs_of(root)] == ["monday"]
    assert clear(root, 5 * DAY) == []
    clear(root, 5 * DAY, now=in_days(10))
    assert names(root) == set()


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_no_empty_folder_is_left_on_a_disk_but_those_of_others(root):
    put(root, f"plans/{PLAN}.json")
    record(root, "monday", make(root, "Read", READ))
    os.makedirs(f"{root}/mine/empty")
    clear(root, 0, now=in_days(10))
    assert {str(path.relative_to(root)) for path in Path(root).rglob("*")} == {"plans", "runs", "mine", "mine/empty"}


@pytest.mark.parametrize("old", [1, GRACE_SECONDS + 1, FRESH_SECONDS - 60])
def test_a_fresh_plan_stays_as_who_publishes_it_again_does_not_write_it(root, old):
    uri = put(root, f"plans/{PLAN}.json")
    put(root, f"plans/{'d' * 64}.json")
    make(root, "Read", READ)
    assert uri not in clear(root, 0, now=time.time() + old)
    assert uri in {kept for kept, _ in storage.list(root)}


# Beside a run ---------------------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_keeps_what_it_used_whatever_the_age(root):
    put(root, f"plans/{PLAN}.json")
    manifest = make(root, "Read", READ)
    record(root, "monday", manifest)
    with alive(folder_of(root, "monday")):
        clear(root, 0, now=time.time() + 1)
        assert find(root, "Read", READ) == manifest
    clear(root, 0, now=time.time() + 1)
    assert find(root, "Read", READ) is None


def test_what_a_run_has_leased_stays_with_the_attempts_at_it(root):
    put(root, f"plans/{PLAN}.json")
    make(root, "Read", READ)
    leave(root, "Extract", EXTRACT)
    lease(root, "monday", "Extract", [manifest_uri(root, "Extract", EXTRACT)])
    with alive(folder_of(root, "monday")):
        gone = clear(root, 0, now=time.time() + 1)
    assert not any("/Extract/" in uri for uri in gone)
    assert any("/Read/" in uri for uri in gone)


@pytest.mark.parametrize("root", ["folder"], indirect=True)
@pytest.mark.parametrize("plan_of", ["lease", "record", "stored in a record"])
def test_the_plan_of_a_run_that_goes_on_stays_beside_a_newer_one(root, plan_of):
    """As when two analyses are both in their first task."""
    content = {"manifest": "", "task": "Gate"}
    if plan_of == "lease":
        lease(root, "monday", "Read-01234567", [], PLAN)
    else:
        key = "plan" if plan_of == "record" else "stored_plan"
        put(root, "runs/monday/Gate-01234567.json", json.dumps({**content, key: PLAN}).encode())
    put(root, f"plans/{PLAN}.json")
    put(root, f"plans/{'d' * 64}.json")
    with beating(root, "monday", now := time.time() + 3 * FRESH_SECONDS):
        put(root, f"plans/{'c' * 64}.json")
        gone = clear(root, 0, now=now)
    assert storage.join(root, f"plans/{PLAN}.json") not in gone
    assert storage.join(root, f"plans/{'d' * 64}.json") in gone
    clear(root, 0, now=now + GRACE_SECONDS + 1)
    assert f"plans/{PLAN}.json" not in names(root)


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_inputs_that_a_run_goes_on_to_read_stay_with_all_before_them_whatever_their_age(root):
    read = make(root, "Read", READ)
    extract = make(root, "Extract", EXTRACT, read)
    make(root, "Extract", OTHER, read)
    lease(root, "again", "Evaluate-01234567", [manifest_uri(root, "Extract", EXTRACT)])
    with beating(root, "again", in_days(40)):
        gone = clear(root, 30 * DAY, now=in_days(40))
    assert {uri.split("/")[-2 if uri.endswith("manifest.json") else -3] for uri in gone} == {OTHER}
    assert find(root, "Extract", EXTRACT) == extract
    assert find(root, "Read", READ) == read


@pytest.mark.parametrize(
    ("told", "stays"),
    [
        ({}, False),
        ({"job": {"id": "1"}}, True),  # it is left to its job, which reads on
        ({"job": {"id": "1"}, "output": "/out"}, False),
    ],
)
@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_a_lease_holds_until_the_task_is_done(root, told, stays):
    make(root, "Read", READ)
    lease(root, "monday", "Write-01234567", [manifest_uri(root, "Read", READ)])
    time.sleep(0.01)
    put(root, "runs/monday/Write-01234567.json", json.dumps({"manifest": "", "task": "Write", **told}).encode())
    with beating(root, "monday", in_days(2)):
        clear(root, DAY, now=in_days(2))
    assert (find(root, "Read", READ) is not None) == stays


def test_a_lease_leaves_out_what_is_no_manifest(root):
    lease(root, "monday", "Gate-01234567", ["", "/etc/passwd", manifest_uri(root, "Read", READ)])
    (run,) = runs_of(root)
    assert run.leased == (manifest_uri(root, "Read", READ),)


@contextmanager
def beating(root, run, when):
    """The run shows at that time that it goes on, which only files can be given."""
    uri = storage.join(folder_of(root, run), "alive")
    storage.write(uri, b"")
    os.utime(uri, (when, when))
    yield


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_checkpoint_leased_while_it_is_being_chosen_to_go_stays(root, monkeypatch, when):
    put(root, f"plans/{PLAN}.json")
    manifest = make(root, "Read", READ)
    asked: list[None] = []
    ask = runs_of

    def interrupted(root):
        if when == "before":
            asked.append(take(root) if len(asked) == 1 else None)
        runs = ask(root)
        if when == "after":
            asked.append(take(root) if not asked else None)
        return runs

    monkeypatch.setattr(clearing, "runs_of", interrupted)
    clear(root, 0, now=time.time() + 1)
    assert len(asked) == 2
    assert find(root, "Read", READ) == manifest


def take(root):
    """What a task does before it looks whether its checkpoint is there."""
    storage.write(storage.join(folder_of(root, "tuesday"), "alive"), b"")
    lease(root, "tuesday", "Read", [manifest_uri(root, "Read", READ)])


def test_a_checkpoint_that_is_marked_to_go_is_made_again_and_the_new_one_stays(root):
    put(root, f"plans/{PLAN}.json")
    old = make(root, "Read", READ)
    storage.write(clearing_uri(root, "Read", READ), b"")
    assert "cleared away" in str(fault_of(root, old))
    assert find(root, "Read", READ) is None
    seen = storage.stat(manifest_uri(root, "Read", READ))
    new = make(root, "Read", READ, attempt=f"attempt-{2:016x}")
    assert seen is not None
    storage.delete(manifest_uri(root, "Read", READ), generation=seen.generation)  # as who clears would do now
    assert find(root, "Read", READ) == new
    assert commit(root, new) == new


@pytest.mark.parametrize("died", ["before it deleted", "after the manifest", "after all"])
def test_the_mark_of_who_died_while_clearing_costs_nobody_more_than_one_making(root, died):
    put(root, f"plans/{PLAN}.json")
    old = make(root, "Read", READ)
    storage.write(clearing_uri(root, "Read", READ), b"")
    if died != "before it deleted":
        storage.delete(manifest_uri(root, "Read", READ))
    if died == "after all":
        storage.delete(storage.join(root, "Read", old.shards[0].name))
    assert find(root, "Read", READ) is None
    new = make(root, "Read", READ, attempt=f"attempt-{2:016x}")
    assert find(root, "Read", READ) == new


def test_a_checkpoint_whose_shards_lie_with_one_that_is_marked_to_go_is_not_taken(root):
    made = make(root, "Read", READ)
    lineage = {"Read": replace(made.lineage["Read"], digest=OTHER)}
    pinned = commit(root, replace(made, digest=OTHER, lineage=lineage))
    assert find(root, "Read", OTHER) == pinned
    storage.write(clearing_uri(root, "Read", READ), b"")
    assert find(root, "Read", OTHER) is None
    new = make(root, "Read", READ, attempt=f"attempt-{2:016x}")
    assert find(root, "Read", READ) == new
    assert find(root, "Read", OTHER) == pinned


def test_a_commit_whose_answer_is_lost_takes_a_mark_away_as_well(root, monkeypatch):
    storage.write(clearing_uri(root, "Read", READ), b"")
    publish = storage.publish

    def answer_lost(uri, content, **settings):
        publish(uri, content, **settings)
        raise PublishLostError(uri)

    monkeypatch.setattr(storage, "publish", answer_lost)
    manifest = make(root, "Read", READ)
    assert find(root, "Read", READ) == manifest


def test_a_generation_that_is_not_there_any_more_is_not_deleted(root):
    uri = put(root, "x", b"1")
    old = generation_of(uri)
    put(root, "x", b"22")
    storage.delete(uri, generation=old)
    assert storage.read(uri) == b"22"
    storage.delete(uri, generation=generation_of(uri))
    assert storage.stat(uri) is None
    storage.delete(uri, generation="1")
    assert names(root) == set()


def generation_of(uri):
    stat = storage.stat(uri)
    assert stat is not None
    return stat.generation
