import io
import os
import threading

import pytest

from assay.engine import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def run():
    """Progress is shown somewhere, so that what is told is kept."""
    with progress.shown(io.StringIO()):
        yield


def rows_added(before):
    return progress.since(before, progress.snapshot())


def add_thousand_batches():
    for _ in range(1000):
        progress.add("Threads", 3)


def test_rows_of_a_stage_add_up_over_threads():
    before = progress.snapshot()
    threads = [threading.Thread(target=add_thousand_batches) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows_added(before) == {"Threads": 24_000}


def test_stages_that_did_nothing_since_are_left_out():
    progress.add("Old", 5)
    before = progress.snapshot()
    progress.add("New", 7)
    assert rows_added(before) == {"New": 7}


def test_a_snapshot_does_not_change_later():
    before = progress.snapshot()
    progress.add("Later", 1)
    assert "Later" not in before or before["Later"] < progress.snapshot()["Later"]


def test_before_anything_is_known_the_line_says_starting():
    assert progress.line({}, 3.0, 0.0) == "0:03  Starting"


def test_the_line_has_the_share_of_all_bytes_that_has_been_read(run):
    progress.phase("Reading", then="Computing")
    progress.expect({"large": 900, "small": 100})
    assert progress.line({}, 3.0, 0.0) == "0:03  Reading  0%"
    progress.reached("large", 0.5)
    progress.read_to("small", 50)
    assert progress.line({"ReadInputs": 1_500_000}, 75.4, 9.0) == "1:15  Reading  50%  1,500,000 rows"


def test_the_line_has_the_shards_of_its_own_phase(run):
    progress.phase("Reading")
    progress.add_shard("ReadInputs")
    assert progress.line({"ReadInputs": 5}, 1.0, 0.0) == "0:01  Reading  5 rows  1 shard done"
    progress.phase("Reading")
    assert progress.line({"ReadInputs": 5}, 1.0, 0.0) == "0:01  Reading  5 rows"


def test_once_all_is_read_the_line_says_what_comes_then(run):
    progress.phase("Reading", then="Computing")
    progress.expect({"a": 10})
    progress.reached("a", 1.0)
    assert progress.line({}, 3.0, 0.0) == "0:03  Computing"
    progress.phase("Writing")
    assert progress.line({}, 4.0, 0.0) == "0:04  Writing"


def test_what_is_read_twice_counts_once_and_a_file_that_nobody_expects_not_at_all(run):
    progress.phase("Reading")
    progress.expect({"a": 100})
    progress.reached("a", 0.6)
    progress.reached("a", 0.2)
    progress.reached("other", 1.0)
    progress.read_to("other", 7)
    assert progress.line({}, 0.0, 0.0) == "0:00  Reading  60%"


def test_the_time_left_goes_by_the_time_of_reading_not_by_that_of_the_start(run, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("assay.engine.progress.time.monotonic", lambda: now[0])
    progress.phase("Reading")
    progress.expect({"a": 100})
    progress.reached("a", 0.001)
    assert "left" not in progress.line({}, 60.0, 0.0)
    now[0] += 30
    progress.reached("a", 0.25)
    assert progress.line({}, 90.0, 0.0) == "1:30  Reading  25%, about 1:30 left"


def test_where_nobody_knows_how_much_there_is_the_line_has_the_speed(run):
    progress.phase("Reading")
    rows = {"ReadInputs": 2_000_000, "ExtractAges": 1_500_000}
    assert progress.line(rows, 75.4, 123_456.7) == "1:15  Reading  1,500,000 rows  123,457 rows/s"


def test_parts_that_do_not_fit_a_terminal_are_left_out(run):
    progress.phase("Reading and evaluating")
    rows = {"ReadInputs": 2_000_000}
    assert progress.line(rows, 75.4, 123_456.7, 50) == "1:15  Reading and evaluating  2,000,000 rows"
    assert progress.line(rows, 75.4, 123_456.7, 30) == "1:15  Reading and evaluating"
    assert progress.line(rows, 75.4, 123_456.7, 10) == "1:15  Read"


def test_what_is_told_while_nobody_looks_is_forgotten():
    progress.phase("nobody looks")
    progress.expect({"a": 10})
    assert progress.line({}, 3.0, 0.0) == "0:03  Starting"
    with progress.shown(io.StringIO()):
        progress.phase("job 7: running")
        assert progress.line({}, 3.0, 0.0) == "0:03  job 7: running"
    assert progress.line({}, 3.0, 0.0) == "0:03  Starting"


def test_whoever_shows_progress_already_goes_on_to_do_so():
    stream = io.StringIO()
    with progress.shown(stream):
        with progress.shown(stream):
            progress.add("Inner", 1)
        assert stream.getvalue() == ""
        assert progress.say("still there")
    assert stream.getvalue().splitlines()[0] == "still there"
    assert stream.getvalue().count(" row in ") == 1


@pytest.fixture
def fast_ticks(monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.01)
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0.01)


def run_until_shown(stream, expected):
    with progress.shown(stream):
        progress.add("Shown", 4_096)
        done = threading.Event()
        for _ in range(500):
            if expected in stream.getvalue():
                break
            done.wait(0.01)
    return stream.getvalue()


def test_a_log_gets_plain_lines_and_a_total_without_a_speed(fast_ticks):
    written = run_until_shown(io.StringIO(), "Starting  4,096 rows")
    assert "Starting  4,096 rows" in written
    assert "\r" not in written
    assert "\x1b" not in written
    assert written.splitlines()[-1].startswith("4,096 rows in ")
    assert "rows/s" not in written.splitlines()[-1]


def test_rows_are_told_as_multiples_where_counts_are_rounded():
    log = io.StringIO()
    with progress.shown(log):
        progress.round_rows_to(50)
        progress.add("Rounded", 1_234)
        assert "1,250 rows" in progress.line({"Rounded": 1_234}, 3.0, 0.0)
    assert log.getvalue().startswith("1,250 rows in ")
    with progress.shown(io.StringIO()):
        assert "1,234 rows" in progress.line({"Rounded": 1_234}, 3.0, 0.0)


def test_a_terminal_gets_one_line_rewritten_in_place(fast_ticks):
    written = run_until_shown(Terminal(), "4,096 rows")
    assert "4,096 rows" in written
    assert written.count("\n") == 1
    assert written.endswith(" MB\n")


def test_a_run_without_rows_leaves_nothing_behind(fast_ticks):
    stream = io.StringIO()
    with progress.shown(stream):
        pass
    assert "rows in" not in stream.getvalue()


def test_the_thread_ends_when_what_it_shows_fails(fast_ticks):
    with pytest.raises(ZeroDivisionError), progress.shown(io.StringIO()):
        _ = 1 / 0
    assert "assay-progress" not in {thread.name for thread in threading.enumerate()}


def test_progress_goes_on_while_somebody_puts_the_descriptor_of_stderr_aside(fast_ticks, tmp_path):
    with open(tmp_path / "log", "w+") as stream, open(tmp_path / "aside", "w+") as aside:
        kept = os.dup(stream.fileno())
        with progress.shown(stream):
            os.dup2(aside.fileno(), stream.fileno())
            progress.phase("Importing")
            wait_for(lambda: "Importing" in (tmp_path / "log").read_text())
            os.dup2(kept, stream.fileno())
        os.close(kept)
    assert "Importing" in (tmp_path / "log").read_text()
    assert (tmp_path / "aside").read_text() == ""


def test_a_speed_is_that_of_the_phase(fast_ticks):
    stream = io.StringIO()
    with progress.shown(stream):
        progress.add("Counted", 5_000)
        wait_for(lambda: "rows/s" in stream.getvalue())
        progress.phase("Writing")
        wait_for(lambda: "Writing" in stream.getvalue())
    assert [line for line in stream.getvalue().splitlines() if "Writing" in line and "rows/s" in line] == []


def wait_for(condition):
    waiting = threading.Event()
    for _ in range(500):
        if condition():
            return
        waiting.wait(0.01)
