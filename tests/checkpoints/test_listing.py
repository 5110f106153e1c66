"""What is listed under a root, and what is cleared away: nothing that is needed, young or alive."""

import json
import os
import time

import pytest

from assay import storage
from assay.checkpoints.clearing import clear
from assay.checkpoints.commit import commit, find, mark_damaged
from assay.checkpoints.heartbeat import alive
from assay.checkpoints.layout import manifest_uri
from assay.checkpoints.listing import checkpoints_of
from assay.checkpoints.manifest import Manifest, Step
from assay.checkpoints.runs import folder_of, runs_of
from assay.checkpoints.transforms import Folder
from assay.cli import main
from assay.errors import CheckpointError
from assay.verdict import Counts

READ, EXTRACT, OTHER, PINNED = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
DAY = 86_400.0
LOST = f"attempt-{9:016x}"


@pytest.fixture(params=["folder", "gcs"])
def root(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "root")
    return f"{request.getfixturevalue('gcs').root}/{tmp_path.name}"


def in_days(days):
    """That time, for what asks how old something is."""
    return time.time() + days * DAY


def make(root, task, digest, *before, content=b"rows", attempt=f"attempt-{1:016x}", made_as=None):
    """Commits a checkpoint of one shard; returns its manifest."""
    made_as = made_as or digest
    shard = Folder(root, task, f"{made_as}/{attempt}").store(".arrow", content, rows=4)
    lineage = {name: step for manifest in before for name, step in manifest.lineage.items()}
    manifest = Manifest(
        task=task,
        kind="extract",
        digest=digest,
        content=made_as,
        attempt=attempt,
        created=time.time(),
        seconds=1.0,
        version="0",
        lineage={**lineage, task: Step(digest=digest, counts=Counts(0))},
        shards=(shard,),
    )
    return commit(root, manifest)


def leave(root, task, digest, attempt=LOST):
    """A shard that nobody has committed."""
    return Folder(root, task, f"{digest}/{attempt}").store(".arrow", b"lost", rows=1)


def record(root, run, manifest, uri=None):
    """What a run notes when a task is done."""
    uri = uri or manifest_uri(root, manifest.task, manifest.digest)
    storage.write(
        storage.join(root, "runs", run, f"{manifest.task}.json"),
        json.dumps({"manifest": uri, "task": manifest.task}).encode(),
    )


def states(root, now=None):
    return {(found.task, found.digest): found.state for found in checkpoints_of(root, now)}


def test_nothing_is_listed_where_nothing_is(root):
    assert checkpoints_of(root) == []
    assert runs_of(root) == []
    assert clear(root, 0) == []


def test_a_checkpoint_is_listed_with_its_rows_bytes_age_and_runs(root):
    manifest = make(root, "Read", READ, content=b"many rows")
    record(root, "monday", manifest)
    (found,) = checkpoints_of(root)
    assert (found.task, found.digest, found.state) == ("Read", READ, "done")
    assert (found.rows, found.size, found.runs) == (4, 9, ("monday",))
    assert abs(found.updated - time.time()) < 60
    (run,) = runs_of(root)
    assert (run.name, run.manifests) == ("monday", (manifest_uri(root, "Read", READ),))


def test_a_plan_and_a_run_are_no_checkpoints(root):
    storage.write(storage.join(root, "plans", "x.json"), b"{}")
    storage.write(storage.join(root, "runs", "monday", "Gate.json"), b'{"manifest": "", "task": "Gate"}')
    assert checkpoints_of(root) == []
    assert [run.manifests for run in runs_of(root)] == [()]


def test_a_checkpoint_without_its_shard_is_damaged(root):
    manifest = make(root, "Read", READ)
    storage.delete(storage.join(root, "Read", manifest.shards[0].name))
    assert states(root) == {("Read", READ): "damaged"}


def test_a_checkpoint_that_a_reader_has_marked_is_damaged(root):
    manifest = make(root, "Read", READ)
    mark_damaged(root, "Read", manifest.shards[0], "has a wrong checksum")
    assert states(root) == {("Read", READ): "damaged"}


def test_a_checkpoint_whose_manifest_is_none_is_damaged(root):
    make(root, "Read", READ)
    storage.write(manifest_uri(root, "Read", READ), b"{")
    assert states(root) == {("Read", READ): "damaged"}


def test_an_attempt_is_running_while_it_beats_and_abandoned_when_it_does_not(root):
    leave(root, "Read", READ)
    assert states(root) == {("Read", READ): "abandoned"}
    with alive(storage.join(root, "Read", READ, LOST)):
        assert states(root) == {("Read", READ): "running"}
        assert states(root, in_days(1)) == {("Read", READ): "abandoned"}


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_what_a_run_refers_to_is_kept_with_all_before_it_whatever_its_age(root):
    read = make(root, "Read", READ)
    extract = make(root, "Extract", EXTRACT, read)
    make(root, "Extract", OTHER, read)
    later = in_days(10)
    fresh(root, "monday", extract, later)
    gone = clear(root, 5 * DAY, now=later)
    assert gone != []
    assert all(f"/{OTHER}/" in uri for uri in gone)
    assert find(root, "Extract", EXTRACT) == extract
    assert find(root, "Read", READ) == read


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_what_no_run_refers_to_goes_once_it_is_old_enough(root):
    read = make(root, "Read", READ)
    record(root, "monday", read)
    make(root, "Extract", OTHER, read)
    later = in_days(10)
    fresh(root, "monday", read, later)
    assert clear(root, 20 * DAY, now=later) == []
    gone = clear(root, 5 * DAY, now=later)
    assert {uri.split("/")[-2 if uri.endswith("manifest.json") else -3] for uri in gone} == {OTHER}
    assert set(states(root)) == {("Read", READ)}
    assert find(root, "Read", READ) is not None


def fresh(root, run, manifest, when):
    """The run has used it at that time, which only files can be given."""
    record(root, run, manifest)
    os.utime(storage.join(root, "runs", run, f"{manifest.task}.json"), (when, when))


def test_a_run_is_forgotten_with_all_it_alone_needed(root):
    read = make(root, "Read", READ)
    extract = make(root, "Extract", EXTRACT, read)
    record(root, "monday", extract)
    later = in_days(10)
    assert clear(root, 20 * DAY, now=later) == []
    gone = clear(root, 5 * DAY, now=later)
    assert len(gone) == 5
    assert [*storage.list(root)] == []
    assert (checkpoints_of(root), runs_of(root)) == ([], [])


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_what_an_attempt_left_beside_a_needed_checkpoint_goes_and_the_checkpoint_stays(root):
    read = make(root, "Read", READ)
    lost = leave(root, "Read", READ)
    later = in_days(10)
    fresh(root, "monday", read, later)
    assert clear(root, 5 * DAY, now=later) == [storage.join(root, "Read", lost.name)]
    assert find(root, "Read", READ) == read


def test_an_attempt_that_is_alive_is_never_cleared_away(root):
    storage.write(storage.join(root, "plans", f"{OTHER}.json"), b"{}")
    leave(root, "Read", READ)
    with alive(storage.join(root, "Read", READ, LOST)):
        assert clear(root, 0) == []
    assert len(clear(root, -1)) == 1  # the plan is fresh


@pytest.mark.parametrize("root", ["folder"], indirect=True)
def test_shards_that_a_needed_manifest_shares_with_another_digest_stay_with_the_manifest_they_were_made_for(root):
    made = make(root, "Read", READ)
    pinned = commit(root, Manifest(**{**vars(made), "digest": PINNED, "lineage": lineage(PINNED), "models": {"m": {}}}))
    later = in_days(10)
    fresh(root, "monday", pinned, later)
    assert clear(root, 5 * DAY, now=later) == []
    assert find(root, "Read", PINNED) == pinned
    assert find(root, "Read", READ) == made  # with another model, inputs need not be read again


def lineage(digest):
    return {"Read": Step(digest=digest, counts=Counts(0))}


def test_a_run_that_has_seen_the_root_by_another_path_keeps_its_checkpoints(root):
    read = make(root, "Read", READ)
    record(root, "monday", read, uri=f"/mnt/elsewhere/Read/{READ}/manifest.json")
    (found,) = checkpoints_of(root)
    assert found.runs == ("monday",)


WRONG = (b"", b"{", b"[]", b"{}", b'{"manifest": 1}', b"\xff", b'{"manifest": "', b"\0" * 300, b"[" * 5_000)


@pytest.mark.parametrize("content", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("name", ["Extract.json", "Extract-0123abcd.json", "Extract-0123abcd.lease"])
def test_what_may_be_a_damaged_record_keeps_all_checkpoints_of_its_task_and_stops_nobody(root, name, content):
    read = make(root, "Read", READ)
    extract = make(root, "Extract", EXTRACT, read)
    make(root, "Other", OTHER)
    storage.write(storage.join(root, "plans", f"{OTHER}.json"), b"{}")
    uri = storage.join(root, "runs", "monday", name)
    storage.write(uri, content)
    with alive(folder_of(root, "monday")):
        gone = clear(root, 0, now=time.time() + 1)
    assert {name.removeprefix(f"{root}/").split("/")[0] for name in gone} == {"Other"}
    assert (find(root, "Read", READ), find(root, "Extract", EXTRACT)) == (read, extract)
    assert [run.unclear for run in runs_of(root)] == [("Extract",)]
    clear(root, 5 * DAY, now=in_days(10))
    assert [uri for uri, _ in storage.list(root)] == [uri]  # nobody knows whose it is


OF_OTHERS = (*WRONG, b'{"lr": 0.1}', b'{"manifest": "data/manifest.json", "task": "classify"}', b'{"manifests": ["a"]}')


@pytest.mark.parametrize("content", OF_OTHERS, ids=range(len(OF_OTHERS)))
@pytest.mark.parametrize("name", ["runs/exp1/config.json", "runs/monday/metrics.json", "runs/exp1/flags.lease"])
def test_json_of_others_below_runs_stops_nobody_and_stays(root, name, content):
    record(root, "monday", make(root, "Read", READ))
    uri = storage.join(root, name)
    storage.write(uri, content)
    assert [run.name for run in runs_of(root)] == ["monday"]
    assert clear(root, 5 * DAY) == []
    clear(root, 5 * DAY, now=in_days(10))
    assert [uri for uri, _ in storage.list(root)] == [uri]
    assert storage.read(uri) == content


def test_the_command_lists_and_clears_beside_json_of_others(root, capsys):
    record(root, "monday", make(root, "Read", READ))
    storage.write(storage.join(root, "runs", "exp1", "config.json"), b'{"lr": 0.1}')
    assert main(["checkpoints", root, "--gc"]) == 0
    assert "1 checkpoints, 1 runs" in capsys.readouterr().out


def test_a_folder_that_has_nothing_of_ours_but_json_below_runs_is_no_root(root):
    storage.write(storage.join(root, "runs", "exp1", "config.json"), b'{"lr": 0.1}')
    leave(root, "Read", READ)
    with pytest.raises(CheckpointError, match="expected a root of checkpoints"):
        clear(root, 0, now=in_days(10))


@pytest.mark.parametrize("root", ["folder"], indirect=True)
@pytest.mark.parametrize("name", ["config.json", "Read.json", "Read.lease"])
def test_a_pipe_below_runs_is_not_waited_for(root, name):
    record(root, "monday", make(root, "Read", READ))
    os.makedirs(storage.join(root, "runs", "exp1"))
    os.mkfifo(storage.join(root, "runs", "exp1", name))
    assert len(runs_of(root)) == 1 + name.startswith("Read")
    assert clear(root, 5 * DAY) == []


def test_nothing_outside_of_the_root_is_cleared_away_or_looked_at(root):
    outside = storage.join(root.rsplit("/", 1)[0], "outside", "Read", READ, "manifest.json")
    storage.write(outside, b"somebody else's")
    read = make(root, "Read", READ)
    record(root, "monday", read, uri=outside)
    record(root, "tuesday", read, uri=f"{root}/../outside/Read/{READ}/manifest.json")
    later = in_days(10)
    clear(root, DAY, now=later)
    assert storage.read(outside) == b"somebody else's"
    assert [*storage.list(root)] == []
