"""What the images promise: the command, the pinned packages and no others, bytecode, no root, no secrets."""

import json
import re
import time
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn import metrics as sk

import assay
from tests.docker import ROOT, tag_of, version

MEGABYTES = {"core": 850, "tensorflow": 2100}
LOCKED_DOWN = (
    *("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--user", "4321:4321"),
    *("--cap-drop=ALL", "--security-opt", "no-new-privileges", "--memory", "4g", "--pids-limit", "512"),
)
"""As docs/containers.md recommends, and a user whom the image does not know."""
CENSUS = ROOT / "examples" / "census"

MEAN = {"metrics": [{"class_name": "MeanPrediction"}]}

WITHOUT_BYTECODE = """
import os, sys
from assay.components.check_imports import PROMISED, failures, own_modules
assert not failures([*PROMISED[os.environ["ASSAY_IMAGE"]], *own_modules()])
caches = [module.__cached__ for module in list(sys.modules.values()) if getattr(module, "__cached__", None)]
assert len(caches) > 1000, len(caches)
print(*[file for file in caches if not os.path.exists(file)])
"""


@pytest.fixture
def folder(tmp_path):
    """A folder that a container may write to, whoever it runs as."""
    tmp_path.chmod(0o777)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    return tmp_path


def inside(docker, image, *command, options=()):
    """What a Python command prints in a fresh container without network."""
    done = docker("run", "--rm", "--network", "none", *options, "--entrypoint", "python", tag_of(image), *command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_command_is_assay(docker, image):
    done = docker("run", *LOCKED_DOWN, tag_of(image), "--version")
    assert done.stdout.strip() == f"assay, version {version()}"


@pytest.mark.parametrize("words", [("--id='1'",), ("--semi_persist_dir=/tmp", "--id=1")])
def test_starts_a_worker_of_beam_where_an_engine_asks_for_one(docker, image, words):
    done = docker("run", *LOCKED_DOWN, tag_of(image), *words)
    assert done.returncode == 1
    assert "No provision endpoint provided." in done.stderr  # Beam's own words


def test_the_program_that_starts_workers_is_of_the_version_of_beam_in_the_image(docker, image):
    held = inside(docker, image, "-c", "import apache_beam; print(apache_beam.__version__)")
    module = "mod\tgithub.com/apache/beam/sdks/v2\tv"
    code = f"import re; print({{*re.findall(rb'{module}([0-9.]+)', open('/opt/apache/beam/boot', 'rb').read())}})"
    assert inside(docker, image, "-c", code) == f"{{b'{held}'}}"


def test_a_worker_pool_listens_and_ends_when_it_is_told_to(docker, image):
    name = f"assay-test-{uuid.uuid4().hex}"
    docker("run", "--detach", "--name", name, tag_of(image), "--worker_pool", "--service_port=50123")
    try:
        code = "import socket; socket.create_connection(('localhost', 50123))"
        wait_for(lambda: docker("exec", name, "python", "-c", code).returncode == 0)
        started = time.monotonic()
        docker("stop", "--time", "60", name)
        assert time.monotonic() - started < 30
    finally:
        docker("rm", "--force", name)


def test_runs_as_a_user_who_is_not_root(about):
    assert about["Config"]["User"] == "1000:1000"


def test_labels_say_what_it_is_and_where_from(about, image):
    labels = {key.removeprefix("org.opencontainers.image."): text for key, text in about["Config"]["Labels"].items()}
    assert labels["title"] == f"assay-{image}"
    assert labels["version"] == version()
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", labels["revision"])
    assert labels["licenses"] == "Apache-2.0"
    assert labels["base.name"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", labels["base.digest"])


def test_is_no_larger_than_it_has_to_be(about, image):
    assert about["Size"] < MEGABYTES[image] * 1e6


def test_holds_the_pinned_packages_and_no_others(docker, image):
    held = inside(docker, image, "-m", "pip", "list", "--format", "freeze").lower().replace("_", "-").splitlines()
    assert set(held) == pinned(image) | pinned("tools") | {f"assay=={version()}"}


def pinned(name):
    """Requirements of a file of pins, without their hashes."""
    return set(re.findall(r"^[a-z0-9-]+==[\w.]+", (ROOT / f"constraints-{name}.txt").read_text(), re.MULTILINE))


def test_tells_what_is_in_it_with_licences(docker, image):
    told = json.loads(inside(docker, image, "-c", "print(open('/usr/share/assay/sbom.json').read())"))
    assert told["bomFormat"] == "CycloneDX"
    listed = {f"{part['name'].lower().replace('_', '-')}=={part['version']}" for part in told["components"]}
    assert listed == pinned(image) | pinned("tools") | {f"assay=={version()}"}
    without = [part["name"] for part in told["components"] if not part.get("licenses")]
    assert len(without) <= 0.05 * len(listed), without
    beside = ROOT / "out" / "images" / f"assay-{image}-{version()}.cdx.json"
    assert json.loads(beside.read_text()) == told  # written at build, for who has no engine


def test_the_small_one_has_no_tensorflow(docker, image):
    code = "from importlib.util import find_spec; print(find_spec('tensorflow') is not None)"
    assert inside(docker, image, "-c", code) == str(image == "tensorflow")


def test_the_health_check_passes_on_a_read_only_disk(docker, image, about):
    kind, command = about["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD-SHELL"
    done = docker("run", *LOCKED_DOWN, "--entrypoint", "sh", tag_of(image), "-c", command)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("image", ["core"], indirect=True)
def test_the_health_check_names_what_cannot_be_imported(docker, image):
    broken = "/opt/assay/lib/python3.11/site-packages/pyarrow/__init__.py"
    command = ("-m", "assay.components.check_imports", image)
    options = ("-v", f"/dev/null:{broken}:ro", "--entrypoint", "python")
    done = docker("run", *LOCKED_DOWN, *options, tag_of(image), *command)
    assert done.returncode == 1
    assert "cannot import assay.writers.write: AttributeError: module 'pyarrow' has no attribute" in done.stderr
    assert "assay.plan.plan" not in done.stderr


def test_everything_that_a_stage_imports_is_compiled(docker, image):
    assert inside(docker, image, "-W", "ignore", "-c", WITHOUT_BYTECODE) == ""


def test_holds_no_certificate_and_no_pip_configuration_of_the_machine_that_built_it(docker, image):
    code = "import os; print(*(os.path.join(at, f) for at, _, fs in os.walk('/run/secrets') for f in fs))"
    assert inside(docker, image, "-c", code) == ""


def test_analyses_a_parquet_file_without_root_network_or_a_disk_of_its_own(docker, image, folder):
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 2, 5_000)
    scores = np.round(labels * 0.2 + rng.random(5_000) * 0.8, 3)
    pq.write_table(pa.table({"label": labels, "score": scores}), folder / "rows.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": ["rows.parquet"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}, {"class_name": "AUC"}]}],
        },
        "output": "out",
    }
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis))
    done = docker("run", *LOCKED_DOWN, "-v", f"{folder}:/data", tag_of(image), "run", "/data/analysis.yaml")
    assert done.returncode == 0, done.stderr
    values = assay.load_eval_result(str(folder / "out")).get_metrics_for_slice()
    assert values["mean_prediction"]["doubleValue"] == pytest.approx(scores.mean(), rel=1e-9)
    assert values["auc"]["doubleValue"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-3)


def test_the_flags_that_the_documents_recommend_are_those_that_are_tested():
    for document in ("docs/containers.md", "SECURITY.md"):
        text = (ROOT / document).read_text()
        for flag in LOCKED_DOWN:
            if flag.startswith("--") and flag != "--rm":
                assert flag in text, document


@pytest.mark.parametrize("image", ["core"], indirect=True)
def test_a_stage_runs_locked_down(docker, image, folder):
    (folder / "rows.csv").write_text("label,score\n1,0.75\n0,0.25\n")
    analysis = {
        "inputs": {"format": "csv", "files": ["/data/rows.csv"]},
        "eval_config": {
            "model_specs": [{"label_key": "label", "prediction_key": "score"}],
            "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}]}],
        },
        "output": "/data/out",
    }
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis))
    mount = ("-v", f"{folder}:/data")
    plan = docker(
        "run",
        *LOCKED_DOWN,
        *mount,
        tag_of(image),
        "plan",
        "/data/analysis.yaml",
        "--format",
        "json",
        "--checkpoint",
        "cuts",
    )
    assert plan.returncode == 0, plan.stderr
    (folder / "plan.json").write_text(plan.stdout)
    words = ("stage", "read-inputs", "--plan", "/data/plan.json", "--stage", "ReadInputs", "--root", "/data/root")
    done = docker("run", *LOCKED_DOWN, *mount, tag_of(image), *words)
    assert done.returncode == 0, done.stderr
    assert list((folder / "root" / "ReadInputs").glob("*/manifest.json"))


@pytest.mark.parametrize("image", ["tensorflow"], indirect=True)
def test_runs_tensorflow_models_on_tf_examples(docker, image, folder):
    assert (CENSUS / "models" / "trained").exists(), "the demo's models are missing; run: make end-to-end"
    analysis = yaml.safe_load((CENSUS / "analysis.yaml").read_text())
    analysis["inputs"]["files"] = ["/census/out/data/eval-00000-of-00004.tfrecord.gz"]
    analysis["models"] = [{**model, "uri": f"/census/{model['uri']}"} for model in analysis["models"]]
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis | {"output": "out"}))
    mounts = ("-v", f"{folder}:/data", "-v", f"{CENSUS}:/census:ro")
    done = docker("run", *LOCKED_DOWN, *mounts, tag_of(image), "run", "/data/analysis.yaml")
    assert done.returncode == 0, done.stderr
    result = assay.load_eval_result(str(folder / "out"), model_name="candidate")
    assert result.get_metrics_for_slice()["auc"]["doubleValue"] > 0.9


@pytest.mark.parametrize("image", ["core"], indirect=True)
def test_stops_in_mid_run_when_it_is_told_to(docker, image, folder):
    (folder / "slow.py").write_text("import time\ndef predict(columns):\n    time.sleep(120)\n")
    (folder / "rows.jsonl").write_text('{"label": 1, "score": 0.5}\n')
    analysis = {
        "inputs": {"format": "jsonl", "files": ["rows.jsonl"]},
        "models": [{"name": "slow", "uri": "slow:predict", "type": "callable"}],
        "eval_config": {"model_specs": [{"name": "slow", "label_key": "label"}], "metrics_specs": [MEAN]},
        "output": "out",
    }
    (folder / "analysis.yaml").write_text(yaml.safe_dump(analysis))
    name = f"assay-test-{uuid.uuid4().hex}"
    docker(
        "run", "--detach", "--name", name, "-v", f"{folder}:/data", "-w", "/data", tag_of(image), "run", "analysis.yaml"
    )
    try:
        wait_for(lambda: "1 row" in docker("logs", name).stderr)
        started = time.monotonic()
        docker("stop", "--time", "60", name)
        assert time.monotonic() - started < 30
        code = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
        assert code == "130"
        assert docker("logs", name).stderr.endswith("error: interrupted\n")
        assert list((folder / "out").rglob("*")) == []
    finally:
        docker("rm", "--force", name)


def wait_for(condition, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)
