"""What the tree of files promises: telling names, one name for a module, protos in step, nothing of a machine."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).parents[1]
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "misc", "lib"}
PROTOS = sorted(file.stem for file in (ROOT / "assay" / "proto").glob("*.proto"))

# In brackets, so that this file does not match itself.
OF_A_MACHINE = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|proxy[.]golang[.]org|registry-1[.]docker"  # package registries
    r"|[-_]index[-_]url\b|(?<![\w.])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)/\w"  # paths
)

IMPORT_ALL = """
import importlib, os, sys
from pathlib import Path
for folder, _, files in os.walk("assay", followlinks=True):
    for file in files:
        in_airflow = folder.startswith("assay/operators") and file not in ("__init__.py", "provider_info.py")
        if file.endswith(".py") and not in_airflow:  # tests/airflow has an environment for those
            importlib.import_module(".".join(Path(folder, file).with_suffix("").parts).removesuffix(".__init__"))
for name, module in sorted(sys.modules.items()):
    if getattr(module, "__file__", None):
        print(name, os.path.realpath(module.__file__))
"""


def files() -> list[Path]:
    """Every file of the repository that git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    """Module name -> file, after every module of assay was imported in a fresh interpreter."""
    run = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(line.split(" ", 1) for line in run.stdout.splitlines())


def test_no_file_has_a_name_that_says_nothing():
    assert [file for file in files() if file.stem.strip("_") in EMPTY_NAMES] == []


def test_operators_components_and_pipelines_are_never_top_level_modules(loaded):
    assert {"operators", "components", "pipelines"}.isdisjoint(loaded)
    assert {"operators", "components", "pipelines"}.isdisjoint(sys.modules)
    assert {"assay.operators", "assay.components", "assay.pipelines"} <= set(loaded)


def test_no_file_is_loaded_under_two_names(loaded):
    own = [file for file in loaded.values() if Path(file).is_relative_to(ROOT) and "site-packages" not in file]
    assert sorted(own) == sorted(set(own))
    assert len(own) > 20


@pytest.mark.parametrize("name", PROTOS)
def test_generated_code_is_in_step_with_its_proto(name, tmp_path):
    compiled = tmp_path / "set"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", f"--descriptor_set_out={compiled}"]
    subprocess.run([*command, f"assay/proto/{name}.proto"], cwd=ROOT, check=True)
    (expected,) = FileDescriptorSet.FromString(compiled.read_bytes()).file
    module = importlib.import_module(f"assay.proto.{name}_pb2")
    assert FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb) == without_json_names(expected)


def without_json_names(message: FileDescriptorProto) -> FileDescriptorProto:
    """Drops what protoc fills in for a set only."""
    for kind in list(message.message_type):
        for nested in (kind, *descendants(kind)):
            for field in nested.field:
                field.ClearField("json_name")
    return message


def descendants(kind):
    for nested in kind.nested_type:
        yield nested
        yield from descendants(nested)


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-airflow.txt"])
def test_constraints_are_names_and_versions_only(name):
    lines = (ROOT / name).read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][\w.]*|#.*", line)] == []


def test_no_file_names_a_package_registry_or_a_path_of_a_machine():
    found = {
        str(file.relative_to(ROOT)): match[0]
        for file in files()
        if file.suffix != ".parquet" and (match := OF_A_MACHINE.search(file.read_text(errors="replace")))
    }
    assert found == {}
