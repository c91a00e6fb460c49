"""Manifests and commands of clusters name what there is: options of Dask's commands, and each other."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="needs the extra: pip install 'latency-tui[cluster]'")

import yaml  # type: ignore[import-untyped]
from distributed.cli import dask_scheduler, dask_worker

from docs.pages import ROOT, blocks

EXAMPLES = ROOT / "configs" / "examples"
COMMANDS = {"worker": dask_worker.main, "scheduler": dask_scheduler.main}


def accepted(words: list[str]) -> dict[str, Any]:
    """What Dask takes from `dask COMMAND ...`; exits where it takes it not."""
    assert words[0] == "dask"
    command = COMMANDS[words[1]]
    return dict(command.make_context(words[1], words[2:], resilient_parsing=False).params)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def test_the_page_starts_dask_with_options_that_there_are() -> None:
    text = "\n".join(block.text for block in blocks(ROOT / "docs" / "scale.md", "")).replace("\\\n", "")
    lines = re.findall(r"\b(dask (?:scheduler|worker) [^'\n]+)", text)
    assert len(lines) == 5
    for line in lines:
        taken = accepted(shlex.split(line))
        assert taken["protocol"] == "tls"
        assert str(taken["dashboard_address"]).startswith("127.0.0.1:"), "its dashboard has no lock"


def test_a_cluster_of_kubernetes_starts_what_its_image_has() -> None:
    ((cluster,), page) = (documents("dask-cluster.yaml"), (ROOT / "docs" / "scale.md").read_text())
    spec, name = cluster["spec"], cluster["metadata"]["name"]
    (worker,), (scheduler,) = (spec[kind]["spec"]["containers"] for kind in ("worker", "scheduler"))
    assert accepted(worker["args"])["nthreads"] == 1
    assert accepted(scheduler["args"])["host"] == "0.0.0.0"
    assert worker["image"] == scheduler["image"]
    assert ":" in worker["image"], "without a tag it would be fetched anew each time"
    # The operator finds its pods by these, and a person the service by its name.
    service = spec["scheduler"]["service"]
    assert service["selector"] == {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    ports = {port["name"] for port in scheduler["ports"]}
    assert {port["targetPort"] for port in service["ports"]} == ports == {"tcp-comm", "http-dashboard"}
    assert f"kubectl port-forward service/{name}-scheduler {service['ports'][0]['port']}:" in page
    assert f"kubectl delete daskcluster {name}\n" in page
    (secret,) = (source["secretRef"]["name"] for source in worker["envFrom"])
    assert f"kubectl create secret generic {secret} " in page


def test_a_watch_of_kubernetes_has_all_that_it_names() -> None:
    cron, claim = documents("latency-cronjob.yaml")
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    made = re.findall(
        r"kubectl create (?:configmap|secret generic) (\S+)", Path(EXAMPLES / "latency-cronjob.yaml").read_text()
    )
    named = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    assert [*named, *(source["secretRef"]["name"] for source in container["envFrom"])] == made
    claims = [
        volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    ]
    assert claims == [claim["metadata"]["name"]]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
