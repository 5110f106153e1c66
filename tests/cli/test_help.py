"""The help of the command: grouped, whole at any width, and quick."""

import pytest
from click.testing import CliRunner

from assay.cli import COMMANDS, assay


def help_at(width):
    done = CliRunner().invoke(assay, ["--help"], terminal_width=width, max_content_width=width)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("width", [50, 60, 80, 200])
def test_no_line_of_the_help_is_cut(width):
    lines = help_at(width).splitlines()
    assert [line for line in lines if line.rstrip().endswith("...") and not line.startswith("Usage:")] == []
    assert max(map(len, lines)) <= width


def test_at_80_columns_a_command_has_one_line():
    assert sum(line.startswith("  ") for line in help_at(80).split("Commands:")[1].splitlines()) == sum(
        map(len, COMMANDS.values())
    )


def test_commands_of_a_person_come_before_those_of_an_orchestrator():
    shown = [line.split()[0] for line in help_at(80).splitlines() if line.startswith("  ")]
    assert shown.index("run") < shown.index("show") < shown.index("stage")
    people, orchestrators = help_at(80).split("Commands for orchestrators:")
    assert "  run " in people
    assert "  stage " in orchestrators


@pytest.mark.parametrize("name", [name for section in COMMANDS.values() for name in section])
def test_a_command_in_the_list_is_there_under_its_name(name):
    done = CliRunner().invoke(assay, [name, "--help"])
    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: assay {name} ")
