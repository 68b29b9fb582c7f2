"""Proxies between Airflow and the API server, admission, quotas, deletions: nothing orphaned, nothing misread."""

import contextlib
import datetime as dt
import json
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from backends import airflow_context, deferred
from cluster.api_proxy import UNAUTHORIZED, ApiProxy
from cluster.site import wait_for
from radiant.errors import JobError, JobLostError, PlatformUnavailableError
from radiant.jobs.reasons import Reason
from radiant.operators import leftovers
from radiant.operators.backend import platform_of
from radiant.operators.container_record import read_record
from radiant.operators.pod import client as pod_client
from radiant.operators.shared import discard
from radiant.settings import load_settings

PAGE = b"<html><body>not Kubernetes</body></html>"
CONFLICT = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Conflict",
    "code": 409,
    "message": "Operation cannot be fulfilled on pods: the object has been modified; please apply your changes",
}
FOREIGN = {
    "a load balancer's 404": (404, PAGE),
    "a gateway's 200": (200, PAGE),
    "another service's JSON": (200, {"message": "welcome"}),
    "a firewall's 403": (403, PAGE),
    "a 404 with JSON": (404, {"error": "no route"}),
}


@pytest.fixture
def context():
    return airflow_context(task_id="poc", map_index=-1)


@pytest.fixture(params=["pods", "deferred_pods"])
def backend(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def proxy(cluster, tmp_path):
    discard()
    with ApiProxy(cluster.api).serving() as found:
        path = tmp_path / "proxy.kubeconfig"
        path.write_text(found.kubeconfig())
        found.connection = json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(path)}})
        yield found
    discard()  # the next test has another API server


def through(pods, proxy):
    pods.set(AIRFLOW_CONN_KUBERNETES_CONN=proxy.connection)
    return pods


def gate_of(pods):
    """Return a file, and lines of a job that goes on once it is there."""
    gate = pods.folder / "gate"
    return gate, f"while not os.path.exists('{gate}'): time.sleep(0.1)\n"


def in_thread(pods, body, context, **kwargs):
    return ThreadPoolExecutor(1).submit(pods.run, body, context=context, job="poc", **kwargs)


def next_try(context):
    return airflow_context(task_id="poc", map_index=-1, try_number=context["ti"].try_number + 1)


def running_pod(pods):
    (found,) = wait_for(
        lambda: [one for one in pods.site.pods(selector="job=poc") if one.status.phase == "Running"],
        "a running pod",
        180,
    )
    return found


def no_pods(pods):
    wait_for(lambda: not pods.site.pods(selector="job=poc"), "the pod is removed")


def test_a_credential_that_is_not_accepted_for_a_while_is_waited_for_and_one_pod_runs(
    backend, context, proxy, monkeypatch
):
    monkeypatch.setattr(pod_client, "_DENIED_S", 1.0)
    pods = through(backend, proxy)
    gate, closed = gate_of(pods)
    task = in_thread(pods, f"{closed}answer('of the only pod')", context)
    running_pod(pods)
    proxy.fault("/pods", 401, UNAUTHORIZED, seconds=5)
    gate.touch()
    assert task.result()["output"] == "of the only pod"
    assert proxy.count("^POST .*/pods$") == 1
    no_pods(pods)


def test_a_credential_that_stays_refused_leaves_the_pod_to_the_next_try(pods, context, proxy):
    through(pods, proxy).set(RADIANT_CONTAINER__PATIENCE_S="2")
    gate, closed = gate_of(pods)
    task = in_thread(pods, f"{closed}answer('of the first try')", context)
    running_pod(pods)
    proxy.fault("/pods", 401, UNAUTHORIZED)
    with pytest.raises(JobError) as raised:
        task.result()
    assert raised.value.reason == "Unauthorized"
    assert not read_record(pods.task_folder(context)).closed
    proxy.faults.clear()
    gate.touch()
    found = pods.run("answer('of a second pod')", context=next_try(context), job="poc")
    assert found["output"] == "of the first try"
    assert proxy.count("^POST .*/pods$") == 1
    no_pods(pods)


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_answers_in_place_of_the_api_server_is_an_outage(backend, context, proxy, kind):
    pods = through(backend, proxy)
    status, body = FOREIGN[kind]
    proxy.fault("^POST ", status, body, times=2)
    gate, closed = gate_of(pods)
    task = in_thread(pods, f"{closed}answer('done')", context)
    running_pod(pods)
    proxy.fault("/pods", status, body, seconds=2)
    gate.touch()
    assert task.result()["output"] == "done"
    assert len({call for call, _ in proxy.calls if call.startswith("DELETE")}) == 1
    no_pods(pods)


def test_a_conflict_about_a_pod_that_is_there_is_no_removal(pods, context, proxy):
    task = in_thread(through(pods, proxy), "time.sleep(120)", context)
    pod = running_pod(pods)
    platform, handle = platform_of("kubernetes", load_settings()), read_record(pods.task_folder(context)).handle
    proxy.fault("^DELETE ", 409, CONFLICT, times=1)
    with pytest.raises(PlatformUnavailableError, match="the object has been modified"):
        platform.stop(handle, Reason.KILLED)
    platform.stop({**handle, "uid": "of-an-earlier-pod"}, Reason.KILLED)  # the name is another pod's: left alone
    assert running_pod(pods).metadata.uid == pod.metadata.uid
    platform.stop(handle, Reason.KILLED)
    with pytest.raises(JobError):
        task.result()
    no_pods(pods)


def test_a_lost_answer_to_a_create_that_fills_the_quota_is_found_and_not_waited_for(pods, context, proxy):
    quota = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: pods}
spec: {hard: {pods: 1}}
"""
    with pods.site.own_namespace(quota) as namespace:
        through(pods, proxy).set(RADIANT_KUBERNETES__NAMESPACE=namespace)
        wait_for(
            lambda: all(one.status.used for one in pods.site.api.list_namespaced_resource_quota(namespace).items),
            "the quota counts",
        )
        forward = proxy.answer

        def losing(method, path, headers, body):
            found = forward(method, path, headers, body)
            if method == "POST" and path.endswith("/pods") and proxy.count("^POST .*/pods$") == 1:
                return 504, "text/html", PAGE
            return found

        proxy.answer = losing
        assert pods.run("answer('done')", context=context, job="poc")["output"] == "done"


def test_a_log_that_the_node_does_not_give_fails_no_job(backend, context, proxy, monkeypatch, capfd):
    monkeypatch.setattr("radiant.operators.watcher._NO_LOG_S", 2.0)
    pods = through(backend, proxy)
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError", "code": 500}
    proxy.fault("/log", 500, status | {"message": "Get https://node:10250/containerLogs: no route to host"})
    assert pods.run("print('unread')\nanswer('done')", context=context, job="poc")["output"] == "done"
    text = capfd.readouterr().out
    assert "the rest of the log could not be read" in text
    assert "worker.log.gz" in text
    no_pods(pods)


def test_a_removal_that_fails_once_is_tried_again(backend, context, proxy):
    pods = through(backend, proxy)
    proxy.fault("^DELETE ", 503, PAGE, times=1)
    pods.run("answer()", context=context, job="poc")
    no_pods(pods)


def test_pods_whose_triggerer_died_are_removed_by_the_end_of_the_run_and_other_runs_go_on(deferred_pods, proxy):
    pods = through(deferred_pods, proxy)
    pods.install("print('end', flush=True)\nif request['arguments']['case_id'] == 1: time.sleep(60)\nanswer()")
    contexts = [airflow_context(task_id="poc", map_index=index) for index in range(3)]
    other = airflow_context(task_id="poc", map_index=0, run_id="run:2")
    for index, one in enumerate([*contexts, other]):
        deferred(pods.operator_class(task_id="poc", job="poc", arguments={"case_id": index}), one)
    wait_for(
        lambda: sum(one.status.phase == "Succeeded" for one in pods.site.pods(selector="job=poc")) == 3, "they end"
    )
    proxy.fault("^GET .*/pods", 503, PAGE, times=1)
    found = leftovers.sweep("kubernetes", pods.task_folder(contexts[0]).run_uri, load_settings())
    assert sorted(found) == sorted(read_record(pods.task_folder(one)).handle["name"] for one in contexts)
    kept = read_record(pods.task_folder(other)).handle["name"]
    wait_for(lambda: [one.metadata.name for one in pods.site.pods(selector="job=poc")] == [kept], "the others go")


def test_what_a_failed_removal_left_is_removed_by_the_next_try(deferred_pods, context, proxy, monkeypatch):
    monkeypatch.setattr("radiant.operators.container_record._RELEASE_PAUSES_S", ())
    pods = through(deferred_pods, proxy)
    proxy.fault("^DELETE ", 503, PAGE, times=2)  # the triggerer's, then the task's
    pods.run("answer('first')", context=context, job="poc")
    (left,) = pods.site.pods(selector="job=poc")
    pods.run("answer('second')", context=next_try(context), job="poc")
    assert left.metadata.name not in [one.metadata.name for one in pods.site.pods(selector="job=poc")] or wait_for(
        lambda: not pods.site.pods(selector="job=poc"), "both go"
    )


def test_a_hundred_thousand_lines_at_once_cost_one_reading(deferred_pods, context, proxy, capfd):
    pods = through(deferred_pods, proxy)
    body = (
        "sys.stdout.write(''.join(f'line {i} end ' + 'x' * 50 + chr(10) for i in range(100000)))\n"
        "sys.stdout.flush()\ntime.sleep(6)\nprint('line 100000 end')\nanswer()"
    )
    pods.run(body, context=context, job="poc")
    found = [int(one) for one in re.findall(r"\bline (\d+) end", capfd.readouterr().out)]
    assert found == list(range(100001))
    logs = [size for call, size in proxy.calls if "/log" in call]
    whole = max(logs)
    found = f"{len(proxy.calls)} calls, {len(logs)} of the log, {sum(logs)} bytes, the log has {whole}"
    assert sum(logs) < 3.5 * whole, found
    assert len(logs) < 40, found


def test_a_quota_of_cpu_limits_is_named_and_satisfied_by_the_setting_or_the_template(pods, context):
    quota = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: cpu}
spec: {hard: {limits.cpu: 4}}
"""
    with pods.site.own_namespace(quota) as namespace:
        pods.set(RADIANT_KUBERNETES__NAMESPACE=namespace)
        wait_for(
            lambda: all(one.status.used for one in pods.site.api.list_namespaced_resource_quota(namespace).items),
            "the quota counts",
        )
        with pytest.raises(AirflowFailException, match=r"limits\.cpu: set RADIANT_KUBERNETES__CPU_LIMIT"):
            pods.run("answer()", context=context, job="poc")
        pods.set(RADIANT_KUBERNETES__CPU_LIMIT="job")
        assert pods.run("answer('limited')", context=next_try(context), job="poc")["output"] == "limited"
        pods.monkeypatch.delenv("RADIANT_KUBERNETES__CPU_LIMIT")
        path = f"{pods.folder}/bin:/usr/local/bin:/usr/bin:/bin"
        worker = {"name": "worker", "env": [{"name": "PATH", "value": path}], "resources": {"limits": {"cpu": "2"}}}
        pods.template(containers=[worker])
        found = pods.run("answer('by template')", context=airflow_context(task_id="poc", map_index=9), job="poc")
        assert found["output"] == "by template"


def test_an_init_container_that_fails_is_named(pods, context):
    init = {"name": "vault-agent", "image": pods.site.image, "command": ["sh", "-c", "exit 2"]}
    pods.template(initContainers=[init])
    with pytest.raises(JobLostError, match=r"init container vault-agent ended with exit code 2") as raised:
        pods.run("answer()", context=context, job="poc")
    assert raised.value.reason == "StartFailed"


def test_a_pod_deleted_before_it_began_is_lost_at_once_though_a_finalizer_keeps_it(pods, context, proxy):
    def keep(pod):
        pod["metadata"]["finalizers"] = ["radiant.test/keep"]
        pod["spec"]["nodeSelector"] = {"disk": "of-gold"}

    proxy.rewrite = keep
    through(pods, proxy)
    task = in_thread(pods, "answer()", context)
    (pod,) = wait_for(lambda: pods.site.pods(selector="job=poc"), "the pod")
    try:
        pods.site.api.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
        with pytest.raises(JobLostError, match="deleted before its container began") as raised:
            task.result(timeout=180)
        assert raised.value.reason == "Lost"
    finally:
        pods.site.kubectl(
            "-n", pods.site.namespace, "patch", "pod", pod.metadata.name, "--type", "merge", "-p",
            '{"metadata": {"finalizers": null}}',
        )  # fmt: skip


def test_a_secret_of_a_mount_that_does_not_exist_fails_within_seconds(pods, context):
    mounts = [{"path": str(pods.folder), "host_path": str(pods.folder)}, {"path": "/keys", "secret": "no-such-keys"}]
    pods.set(RADIANT_KUBERNETES__MOUNTS=json.dumps(mounts))
    began = time.monotonic()
    with pytest.raises(AirflowFailException, match=r'Config: .*secret "no-such-keys" not found'):
        pods.run("answer()", context=context, job="poc")
    assert time.monotonic() - began < 240, "the time in which a pod has to start is 900 s"


def test_out_of_memory_below_a_lowered_limit_names_the_limit_that_counted(pods, context, proxy):
    def lower(pod):
        pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "64Mi"
        pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = "64Mi"

    proxy.rewrite = lower
    through(pods, proxy)
    with pytest.raises(JobLostError, match=r"limit of 64 MiB; 512 MiB were asked for") as raised:
        pods.run("x = bytearray(200 << 20)\ntime.sleep(30)", context=context, job="poc")
    assert raised.value.reason == "OutOfMemory"
    assert pods.task_folder(context).read_memory_mib() == 0, "512 MiB are asked for again"


def test_a_log_that_is_cut_at_its_end_is_read_again(backend, context, proxy, capfd):
    cuts = [100, 3000]

    def cut(call, content):
        if not cuts or len(content) <= cuts[0] or "/log" not in call or "tailLines" in call:
            return content
        return content[: cuts.pop(0)]

    proxy.cut = cut
    body = "for i in range(200):\n    print(f'line {i} end')\nprint('x' * 40000)\nanswer()"
    through(backend, proxy).run(body, context=context, job="poc")
    text = capfd.readouterr().out
    assert [int(one) for one in re.findall(r"line (\d+) end", text)] == list(range(200))
    assert sum(map(len, re.findall(r"x{1000,}", text))) == 40000
    assert "lines may be missing" not in text
    assert cuts == [], "both were made"


def test_a_log_whose_end_the_api_server_never_gives_fails_no_job_and_says_so(backend, context, proxy, capfd):
    proxy.cut = lambda call, content: content[:100] if "/log" in call and "tailLines" not in call else content
    body = "for i in range(200):\n    print(f'line {i} end')\nanswer('of the pod')"
    assert through(backend, proxy).run(body, context=context, job="poc")["output"] == "of the pod"
    assert "gives this log without its end" in capfd.readouterr().out


def test_a_line_longer_than_a_piece_keeps_its_characters_whole(pods, context, capfd):
    pods.run("print('é' * 30001 + 'x')\nanswer()", context=context, job="poc")
    text = capfd.readouterr().out
    assert "\ufffd" not in text
    assert text.count("é") == 30001


@pytest.fixture
def kubelet_pid(cluster):
    """Return the process id of the tool's kubelet; it goes on, and its node is ready, after the test.

    A cluster whose only node is silent evicts nothing, so a second node, made of its heartbeats alone, is added.
    """
    if not cluster.own:
        pytest.skip("the node of another cluster is not stopped")
    (node,) = cluster.api.list_node().items
    pid = find_kubelet()
    with second_node(cluster):
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGCONT)
            wait_for(lambda: is_ready(cluster, node.metadata.name), "the node is ready again", 120)


def find_kubelet():
    """Return the process id of the tool's kubelet."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().split(b"\0")[0].endswith(b"/kubelet"):
                return int(folder.name)
    raise LookupError


def is_ready(cluster, name):
    """Return whether a node is ready and pods may be put on it."""
    node = cluster.api.read_node(name)
    return not node.spec.taints and any((one.type, one.status) == ("Ready", "True") for one in node.status.conditions)


@contextlib.contextmanager
def second_node(cluster):
    """Keep a ready node in the cluster that no pod is put on."""
    name = "radiant-test-heartbeats"
    cluster.api.create_node({"metadata": {"name": name}, "spec": {"unschedulable": True}})
    ended = threading.Event()

    def beat():
        while not ended.is_set():
            now = dt.datetime.now(dt.UTC).isoformat()
            ready = {"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": now}
            with contextlib.suppress(ApiException, HTTPError):  # the next one is soon enough
                cluster.api.patch_node_status(name, {"status": {"conditions": [ready]}})
            ended.wait(5)

    with ThreadPoolExecutor(1) as pool:
        beats = pool.submit(beat)
        try:
            yield
        finally:
            ended.set()
            cluster.api.delete_node(name)
            beats.result()


@pytest.mark.timeout(900)
def test_a_node_that_dies_is_named_and_the_job_is_started_again_within_the_try(
    deferred_pods, context, monkeypatch, capfd, kubelet_pid
):
    pods = deferred_pods
    monkeypatch.setattr("radiant.operators.pod.pod_status._SILENT_S", 3.0)
    taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    tolerations = [{"key": one, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2} for one in taints]
    pods.set(RADIANT_KUBERNETES__TOLERATIONS=json.dumps(tolerations))
    flag = pods.folder / "second"
    # The first container runs on while its node is silent, and its late answer must not count.
    body = (
        f"number = 'second' if os.path.exists('{flag}') else 'first'\n"
        f"while not os.path.exists('{flag}'):\n    time.sleep(0.2)\n"
        "answer(f'of the {number} pod')"
    )
    task = in_thread(pods, body, context)
    first = running_pod(pods)
    os.kill(kubelet_pid, signal.SIGSTOP)
    try:
        wait_for(
            lambda: [one for one in pods.site.pods(selector="job=poc") if one.metadata.uid != first.metadata.uid],
            "a second pod",
            240,
        )
    finally:
        flag.touch()
        os.kill(kubelet_pid, signal.SIGCONT)
    assert task.result(timeout=200)["output"] == "of the second pod"
    assert re.search(r"NodeLost: .*started again \(restart 1 of 3", capfd.readouterr().out)
