"""What data, files and names can hold does not act on a terminal, through any output."""

import io

import pytest
from rich.console import Console

from assay.engine import progress
from assay.engine.recovery import recover_from_text
from assay.errors import AssayError, ConfigError, UsageError
from assay.report.grids.terminal_text import harmless
from assay.report.html.markup import element
from assay.text.printable import message_line, printable, printable_line
from tests.terminal import on_a_terminal

HOSTILE = {
    "clears the screen": ("\x1b[2J", "\\x1b[2J"),
    "sets the title": ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
    "makes a link": ("\x1b]8;;http://x\x1b\\here", "\\x1b]8;;http://x\\x1b\\here"),
    "a control sequence of one character": ("\x9b2J", "\\x9b2J"),
    "goes back": ("good\b\b\b\bbad", "good\\x08\\x08\\x08\\x08bad"),
    "turns the direction": ("\u202eDESSELB", "\\u202eDESSELB"),
    "isolates": ("\u2066a\u2069", "\\u2066a\\u2069"),
    "is not to be seen": ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
    "ends the line": ("a\u2028b", "a\\u2028b"),
    "half a character": ("\ud83d", "\\ud83d"),
    "a tag": ("\U000e0041", "\\U000e0041"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_character_that_acts_on_a_terminal_is_shown_instead(name):
    text, shown = HOSTILE[name]
    assert printable(text) == printable_line(text) == shown
    assert printable(shown) == shown


@pytest.mark.parametrize("text", ["Zürich 東京", "👩\u200d🔬", "\u0646\u0645\u06cc\u200c\u062e", "a\\b", "", "50 % so"])
def test_text_of_any_language_stays_as_it_is(text):
    assert printable(text) == printable_line(text) == str(ConfigError(text)) == text


def test_lines_stay_in_a_text_and_are_shown_in_a_line():
    assert printable("a\n\tb\r\n") == "a\n\tb\\r\n"
    assert printable_line("a\n\tb") == "a\\n\\tb"


@pytest.mark.parametrize("name", HOSTILE)
def test_errors_tables_and_pages_show_it_too(name):
    text, shown = HOSTILE[name]
    assert not set(text) & set("\x07\x08\x1b\x9b\u200b\u2028\u202e\u2066") & set(str(ConfigError(f"no '{text}'")))
    table = io.StringIO()
    Console(file=table, width=200).print(harmless(text))
    assert table.getvalue() == f"{shown}\n"
    assert element("td", text) == element("td", shown)


def test_progress_says_nothing_that_acts_on_a_terminal():
    stream = io.StringIO()
    with progress.shown(stream):
        progress.say("job \x1b]0;owned\x07")
    assert stream.getvalue() == "job \\x1b]0;owned\\x07\n"


# Length


@pytest.mark.parametrize(
    "value", ["x" * 100_000, "two words " * 10_000, "\x1b" * 100_000, "a,b;" * 25_000, "東" * 100_000]
)
def test_a_long_value_is_shortened_and_what_stands_around_it_stays(value):
    message = str(UsageError(f"data.csv: row 3: column 'age' holds '{value}'; set on_bad_rows: skip"))
    assert message.startswith("data.csv: row 3: column 'age' holds '")
    assert message.endswith("; set on_bad_rows: skip")
    assert len(message) <= 2_000
    assert "…" in message


def test_a_message_of_usual_length_is_not_shortened():
    message = f"{'a/' * 100}data.parquet: " + "a sentence that says much, " * 40
    assert message_line(message) == message.strip()


def test_the_error_that_a_long_log_ends_with_is_found():
    log = f"{'a line of a log ' * 10_000}\nassay.errors.ConfigError: params.x: expected text\n"
    found = recover_from_text(log)
    assert type(found) is ConfigError
    assert str(found) == "params.x: expected text"
    assert recover_from_text("a log without an error") is None
    assert isinstance(recover_from_text("assay.errors.AssayError: first\nassay.errors.UsageError: last"), UsageError)


def test_an_error_survives_a_second_time():
    message = str(AssayError("a" * 5_000 + "\x1b[2J" * 500))
    assert str(AssayError(message)) == message


# On a terminal

ANALYSIS = """
inputs: {format: csv, files: [d.csv]}
output: out
eval_config:
  model_specs: [{label_key: label, prediction_key: score}]
  slicing_specs: [{}, {feature_keys: [g]}]
  metrics_specs: [{metrics: [{class_name: ExampleCount}, {class_name: AUC}]}]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results whose slices, and a file whose columns, would act on a terminal."""
    folder = tmp_path_factory.mktemp("hostile")
    values = [text for name, (text, _) in HOSTILE.items() if name not in ("half a character", "ends the line")]
    lines = [f'{i % 2},0.{i},"{value}"' for i in range(4) for value in values]
    (folder / "d.csv").write_text("\n".join(["label,score,g", *lines]) + "\n")
    (folder / "h.csv").write_text("label,\x1b]0;owned\x07\u202e,g\n1,0.5,a\n")
    (folder / "a.yaml").write_text(ANALYSIS)
    (folder / "h.yaml").write_text(ANALYSIS.replace("d.csv", "h.csv"))
    seen = on_a_terminal(folder, "run", "a.yaml")
    assert b"NOT_EVALUATED" in seen
    assert not acts(seen)
    return folder


def acts(seen):
    """What of it is none of the colours and clearings of a line that are our own."""
    forbidden = (b"\x1b[2J", b"\x1b]", b"\x07", "\x9b".encode(), "\u202e".encode(), "\u2066".encode(), b"\x08")
    return [sequence for sequence in forbidden if sequence in seen]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "out"), b"NOT EVALUATED"),
        (("show", "out", "--slices", "DESSELB"), b"\\u202e"),
        (("show", "out", "--slices", "\x1b[2J\u202e"), b"\\x1b[2J"),
        (("show", "out\x1b[2J"), b"\\x1b[2J"),
        (("show", "out", "--metrics", "\x1b]0;a\x07"), b"\\x1b]0;a"),
        (("check", "h.yaml"), b"\\x1b]0;owned\\x07\\u202e"),
        (("check", "\x1b[2J.yaml"), b"\\x1b[2J"),
        (("\x9b2J",), b"\\x9b2J"),
    ],
)
def test_no_command_writes_it_to_a_terminal(results, arguments, expected):
    seen = on_a_terminal(results, *arguments)
    assert expected in seen.replace(b"\r\n", b"")
    assert acts(seen) == []
