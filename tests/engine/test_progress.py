import io
import threading

import pytest

from assay.engine import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


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


def test_the_line_names_the_stage_that_started_last_with_rows_and_speed():
    text = progress.line({"ReadInputs": 2_000_000, "ExtractAges": 1_500_000}, 75.4, 123_456.7)
    assert text == "1:15  ExtractAges  1,500,000 rows  123,457 rows/s"


def test_the_line_says_starting_before_the_first_row():
    assert progress.line({}, 3.0, 0.0) == "0:03  starting"


def test_what_is_told_of_a_job_elsewhere_is_shown_until_the_run_has_ended():
    progress.note("nobody looks")
    with progress.shown(io.StringIO()):
        progress.note("job 7: running")
        assert progress.line({}, 3.0, 0.0) == "0:03  job 7: running"
    assert progress.line({}, 3.0, 0.0) == "0:03  starting"


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


def test_a_log_gets_plain_lines_and_a_total(fast_ticks):
    written = run_until_shown(io.StringIO(), "Shown  4,096 rows")
    assert "Shown  4,096 rows" in written
    assert "\r" not in written
    assert "\x1b" not in written
    assert written.splitlines()[-1].startswith("4,096 rows in ")


def test_a_terminal_gets_one_line_rewritten_in_place(fast_ticks):
    written = run_until_shown(Terminal(), "Shown  4,096 rows")
    assert "\rShown" not in written
    assert "Shown  4,096 rows" in written
    assert written.count("\n") == 1
    assert written.endswith("rows/s)\n")


def test_a_run_without_rows_leaves_nothing_behind(fast_ticks):
    stream = io.StringIO()
    with progress.shown(stream):
        pass
    assert "rows in" not in stream.getvalue()


def test_the_thread_ends_when_what_it_shows_fails(fast_ticks):
    with pytest.raises(ZeroDivisionError), progress.shown(io.StringIO()):
        _ = 1 / 0
    assert "assay-progress" not in {thread.name for thread in threading.enumerate()}
