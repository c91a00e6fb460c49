"""The manifests of `configs/examples/` and the commands of docs/scale.md and docs/hosts.md, at a cluster of Kubernetes.

Asked for by `FIELD_KUBERNETES`: the image with this version of the program, which the nodes have or fetch. `kubectl` is
set up for the cluster, where dask-kubernetes' operator runs, and pods reach this machine at `FIELD_ADDRESS`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT

from .servers import free_port
from .test_clusters import PLAN, SERVER

yaml = pytest.importorskip("yaml")

IMAGE, ADDRESS = os.environ.get("FIELD_KUBERNETES", ""), os.environ.get("FIELD_ADDRESS", "")
pytestmark = [
    pytest.mark.skipif(not IMAGE, reason="needs a cluster of Kubernetes: see tests/field/test_kubernetes.py"),
    pytest.mark.timeout(300),
]
PROGRAM = [sys.executable, "-m", "tui"]
KEY = "FIELD_KEY"


def kubectl(*arguments: str, given: str | None = None) -> str:
    ran = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "configs" / "examples" / name).read_text()))


def make(path: str, document: dict[str, Any], *, is_tried: bool = False) -> None:
    """Make a resource, where the server refuses any field that it does not know; or only have it try that."""
    query = "fieldValidation=Strict" + ("&dryRun=All" if is_tried else "")
    kubectl("create", "--raw", f"{path}?{query}", "-f", "-", given=json.dumps(document))


def test_the_manifest_of_a_watch_is_one_that_the_server_takes() -> None:
    for document in documents("latency-cronjob.yaml"):
        group, kind = document["apiVersion"], document["kind"].lower()
        document["metadata"]["name"] += "-tried"
        make(f"/{'api' if group == 'v1' else 'apis'}/{group}/namespaces/default/{kind}s", document, is_tried=True)


@pytest.fixture
def cluster() -> Iterator[None]:
    """Two workers of the manifest, and their scheduler."""
    (document,) = documents("dask-cluster.yaml")
    document["spec"]["worker"]["replicas"] = 2
    for kind in ("worker", "scheduler"):
        (container,) = document["spec"][kind]["spec"]["containers"]
        container |= {"image": IMAGE, "resources": {}}
    kubectl("create", "secret", "generic", "latency-keys", f"--from-literal={KEY}=a-key-of-the-pods")
    try:
        make("/apis/kubernetes.dask.org/v1/namespaces/default/daskclusters", document)
        kubectl("wait", "--for=create", "service/load-scheduler", "--timeout=60s")
        for kind in ("scheduler", "worker"):
            pods = ["pod", "-l", f"dask.org/cluster-name=load,dask.org/component={kind}"]
            kubectl("wait", "--for=create", *pods, "--timeout=60s")
            kubectl("wait", "--for=condition=Ready", *pods, "--timeout=60s")
        yield
    finally:
        subprocess.run(["kubectl", "delete", "daskcluster", "load"], check=False, capture_output=True)
        subprocess.run(["kubectl", "delete", "secret", "latency-keys"], check=False, capture_output=True)


@pytest.fixture
def forwarded() -> Iterator[int]:
    """A port of this machine that leads to the scheduler."""
    port = free_port()
    command = ["kubectl", "port-forward", "service/load-scheduler", f"{port}:8786"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Forwarding" in process.stdout.readline()
        yield port
        process.terminate()


def test_a_load_from_its_pods_and_an_engine_in_one(cluster: None, forwarded: int, tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, str(SERVER), "20", "1", str(tmp_path / "log"), "--host", ADDRESS],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = f"http://{ADDRESS}:{int(server.stdout.readline())}"
    plan = PLAN.format(port=0, seconds=5).replace("http://desk:0", url)
    (tmp_path / "plan.toml").write_text(plan.replace("plain_http", f'api_key_env = "{KEY}"\nplain_http'))
    load = ["load", str(tmp_path / "plan.toml"), "--cluster", f"tcp://127.0.0.1:{forwarded}"]
    environ = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    ran = subprocess.run(
        [*PROGRAM, *load, "--json", str(tmp_path / "told")], env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr

    (pod, *_) = kubectl("get", "pods", "-l", "dask.org/component=worker", "-o", "name").split()
    command = f"{shutil.which('kubectl')} exec -i {pod} -- latency-tui engine"
    host = f'[[hosts]]\nname = "pod"\ncommand = "{command}"\n[series]\nrepeats = 2\nwarm_ups = 0\n'
    (tmp_path / "plan.toml").write_text((tmp_path / "plan.toml").read_text() + host)
    run = ["run", str(tmp_path / "plan.toml"), "--json", str(tmp_path / "run")]
    ran = subprocess.run([*PROGRAM, *run], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    server.terminate()
    server.communicate()

    told, exported = (json.loads((tmp_path / name).read_text())["requests"] for name in ("told", "run"))
    assert {one["status"] for one in told} == {"done"}
    assert len({one["host"] for one in told}) == 2
    assert [(one["host"], one["status"]) for one in exported] == [("pod", "done")] * 2
    assert len(told) + len(exported) == len(json.loads((tmp_path / "log").read_text()))
