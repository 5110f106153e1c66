"""`make test` makes every group, whatever became of those before it, and names those that failed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def groups(tmp_path):
    """Runs groups of the given commands; each may take so many minutes."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")

    def run(commands, minutes="1"):
        rules = [f"{name}:\n\t@{command}\n" for name, command in commands.items()]
        (tmp_path / "Makefile").write_text(f".PHONY: {' '.join(commands)}\n{''.join(rules)}")
        words = [word for name in commands for word in (name, minutes, name)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(
            [".ci/groups", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_all_groups_run_and_the_failed_ones_are_named_at_the_end(groups):
    done = groups({"unit": "echo '1 failed, 8 passed in 3s'; exit 1", "faults": "echo '7 passed'", "kfp": "exit 2"})
    assert done.returncode == 1
    assert done.stdout.split("=== ")[-1].strip() == "FAILED: unit kfp (of 3 groups) ==="
    assert "7 passed" in done.stdout  # the group behind the one that failed
    assert "1 failed, 8 passed in 3s" in done.stdout  # the runner's own closing line


def test_where_all_pass_the_code_is_0(groups):
    done = groups({"unit": "echo '8 passed in 3s'", "faults": "true"})
    assert done.returncode == 0
    assert "all 2 groups passed" in done.stdout


def test_a_slow_machine_is_told_so_and_passes(groups):
    done = groups({"unit": "sleep 1.1"}, minutes="0")
    assert done.returncode == 0
    assert "OVER BUDGET !!! unit" in done.stdout


def test_every_folder_of_tests_belongs_to_a_group_of_make_test():
    makefile = (ROOT / "Makefile").read_text()
    listed = re.search(r"^test-groups:\n\t@.ci/groups ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert listed is not None
    targets = listed[1].replace("\\\n", " ").split()[2::3]
    assert targets == ["side-by-side", "unit", "end-to-end", "faults", "engines-installs", "airflow-kfp"]
    together = {
        name: set(made.split()) for name, made in re.findall(r"^([a-z-]+):\n\t@\$\(TOGETHER\) (.*)$", makefile, re.M)
    }
    assert {"check", "images-or-skip", "docs-site"} <= together["side-by-side"]
    assert {"engines", "installs"} <= together["engines-installs"]
    assert {"airflow", "kfp"} <= together["airflow-kfp"]
    ignored = re.search(r"^unit:.*?--ignore", makefile, re.MULTILINE | re.DOTALL)
    assert ignored is not None
    for folders in ("END_TO_END", "FAULTS", "KFP", "OTHERS", "INSTALLS", "ENGINES"):
        assert f"$({folders})" in ignored[0]  # not among the quick tests ...
        assert len(re.findall(rf"pytest .*\$\({folders}\)", makefile)) >= 1  # ... but in a group of their own
