"""Each way in which a pod fails, produced on a real node: its name, whether it is retried, what follows."""

import asyncio
import http.server
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from kubernetes import client
from kubernetes.utils.quantity import parse_quantity

from backends import airflow_context, deferred, execute, follow, run_task
from cluster.site import wait_for
from radiant.errors import JobLostError
from radiant.jobs.catalogue import POC
from radiant.jobs.documents import Request, Status
from radiant.operators.container_record import read_record
from radiant.operators.platform import ContainerOrder, ContainerStatus, State, TaskFacts
from radiant.operators.pod.kubernetes_platform import KubernetesPlatform
from radiant.settings import load_settings

PODS_QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {{name: pods}}
spec: {{hard: {{{hard}}}}}
"""


@pytest.fixture
def context():
    return airflow_context(task_id="poc", map_index=-1)


def next_try(context):
    return airflow_context(task_id="poc", map_index=-1, try_number=context["ti"].try_number + 1)


def gate_of(pods):
    """Return a file, and lines of a job that goes on once it is there."""
    gate = pods.folder / "gate"
    return gate, f"while not os.path.exists('{gate}'): time.sleep(0.1)\n"


def wait_until_gone(pods, pod):
    wait_for(
        lambda: pod.metadata.uid not in {one.metadata.uid for one in pods.site.pods(selector="job=poc")},
        "the node is rid of it",
        180,
    )


def in_thread(pods, body, context, **kwargs):
    return ThreadPoolExecutor(1).submit(pods.run, body, context=context, job="poc", **kwargs)


def running_pod(pods, namespace=None):
    """Return the one pod that runs."""
    found = wait_for(
        lambda: [one for one in pods.site.pods(namespace, "job=poc") if one.status.phase == "Running"],
        "a running pod",
        seconds=180,  # on a machine with other work a kubelet may take its time
    )
    assert len(found) == 1
    return found[0]


def no_pods(pods):
    wait_for(lambda: not pods.site.pods(selector="job=poc"), "the pod is removed")


def numbers(text, word="line"):
    return [int(one) for one in re.findall(rf"\b{word} (\d+) end", text)]


class Registry(http.server.BaseHTTPRequestHandler):
    """An image registry that has nothing, or has trouble."""

    status = 404

    def do_GET(self):
        self.send_response(self.status if "/manifests/" in self.path else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    do_HEAD = do_GET  # noqa: N815 - the standard library names it

    def log_message(self, *_):
        pass


@pytest.fixture
def registry(cluster):
    if not cluster.own:
        pytest.skip("the node of another cluster does not reach a registry of this machine")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Registry,), {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def one_node(pods):
    """Name of the only node."""
    (node, *more) = pods.site.api.list_node().items
    if more:
        pytest.skip("there are other nodes to go to")
    return node.metadata.name


def test_an_image_that_is_not_on_the_node_and_may_not_be_pulled_fails_at_once(pods, context):
    pods.set(RADIANT_IMAGE="localhost/no-such-image:1", RADIANT_KUBERNETES__PULL_POLICY="Never")
    with pytest.raises(AirflowFailException, match=r"ImagePull: .*ErrImageNeverPull.*RADIANT_IMAGE"):
        pods.run("answer()", context=context, job="poc")


def test_an_image_that_the_registry_does_not_have_fails_at_once(pods, context, registry):
    pods.set(RADIANT_IMAGE=f"127.0.0.1:{registry.server_port}/none:1")
    with pytest.raises(AirflowFailException, match=r"ImagePull: .*not found"):
        pods.run("answer()", context=context, job="poc")


def test_a_registry_in_trouble_is_waited_for_until_the_start_time_out(deferred_pods, context, registry):
    registry.RequestHandlerClass.status = 503
    deferred_pods.set(RADIANT_IMAGE=f"127.0.0.1:{registry.server_port}/none:1", RADIANT_CONTAINER__START_TIMEOUT_S="3")
    with pytest.raises(JobLostError, match=r"did not start in 3 s.*503") as raised:
        deferred_pods.run("answer()", context=context, job="poc")
    assert raised.value.reason == "ImagePull"


def test_a_name_that_no_image_can_have_fails_at_once(pods, context):
    pods.set(RADIANT_IMAGE="No/Image:::")
    with pytest.raises(AirflowFailException, match=r"ImagePull: .*InvalidImageName"):
        pods.run("answer()", context=context, job="poc")


def test_a_secret_that_does_not_exist_fails_at_once(pods, context):
    pods.set(RADIANT_KUBERNETES__ENV_FROM="secret/no-such-secret")
    with pytest.raises(AirflowFailException, match=r"Config: .*no-such-secret"):
        pods.run("answer()", context=context, job="poc")


def test_a_command_that_does_not_exist_fails_at_once(pods, context):
    pods.template(containers=[{"name": "worker", "env": [{"name": "PATH", "value": "/nowhere"}]}])
    with pytest.raises(AirflowFailException, match=r"Config: .*radiant-worker"):
        pods.run("answer()", context=context, job="poc")


def test_a_pod_that_the_api_refuses_fails_at_once(pods, context):
    pods.set(RADIANT_KUBERNETES__LABELS='{"not a label": "x"}')
    with pytest.raises(AirflowFailException, match=r"Config: .*not a label"):
        pods.run("answer()", context=context, job="poc")


def test_a_service_account_that_does_not_exist_fails_at_once(pods, context):
    pods.set(RADIANT_KUBERNETES__SERVICE_ACCOUNT="absent")
    with pytest.raises(AirflowFailException, match=r"Config: .*absent"):
        pods.run("answer()", context=context, job="poc")


def test_a_namespace_that_does_not_exist_fails_at_once(pods, context):
    pods.set(RADIANT_KUBERNETES__NAMESPACE="no-such-namespace")
    with pytest.raises(AirflowFailException, match=r"Config: .*no-such-namespace"):
        pods.run("answer()", context=context, job="poc")


def test_a_pod_waits_for_a_cordoned_node(pods, context, one_node):
    pods.site.kubectl("cordon", one_node)
    try:
        task = in_thread(pods, "answer('after the wait')", context)

        def unschedulable():
            return any(
                one.reason == "Unschedulable"
                for pod in pods.site.pods(selector="job=poc")
                for one in pod.status.conditions or ()
            )

        wait_for(unschedulable, "the pod cannot be scheduled")
    finally:
        pods.site.kubectl("uncordon", one_node)
    assert task.result()["output"] == "after the wait"


def test_no_node_for_longer_than_patience_is_named(deferred_pods, context):
    deferred_pods.set(RADIANT_KUBERNETES__NODE_SELECTOR='{"disk": "of-gold"}', RADIANT_CONTAINER__QUEUE_TIMEOUT_S="2")
    with pytest.raises(JobLostError, match=r"Unschedulable: .*found no room in 2 s.*node\(s\)") as raised:
        deferred_pods.run("answer()", context=context, job="poc")
    assert raised.value.reason == "Unschedulable"
    no_pods(deferred_pods)


def test_a_pod_evicted_through_the_api_is_tried_again(pods, context):
    task = in_thread(pods, "time.sleep(300)\nanswer()", context)
    pod = running_pod(pods)
    eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": pod.metadata.name}}
    version = client.VersionApi(pods.site.api.api_client).get_code().git_version
    if int(version.split(".")[1]) >= 22:
        eviction["apiVersion"] = "policy/v1"
    pods.site.api.create_namespaced_pod_eviction(pod.metadata.name, pod.metadata.namespace, eviction)
    with pytest.raises(JobLostError) as raised:
        task.result()
    # Before Kubernetes 1.26 an eviction looks like any other deletion.
    assert raised.value.reason in {"Evicted", "Lost"}
    assert pods.run("answer('again')", context=next_try(context), job="poc")["output"] == "again"


def test_a_pod_that_its_node_drives_out_is_started_again_within_the_try(pods, context, one_node, capfd):
    gate, closed = gate_of(pods)
    task = in_thread(pods, f"{closed}answer('of the second pod')", context)
    first = running_pod(pods)
    pods.site.kubectl("taint", "node", one_node, "radiant-test=gone:NoExecute")
    try:
        wait_until_gone(pods, first)
        gate.touch()
    finally:
        pods.site.kubectl("taint", "node", one_node, "radiant-test:NoExecute-")
    assert task.result()["output"] == "of the second pod"
    assert re.search(r"NodeLost: .*started again \(restart 1 of 3", capfd.readouterr().out)


def test_a_pod_that_gives_way_to_a_more_important_one_is_started_again_within_the_try(pods, context, one_node, capfd):
    room = pods.site.api.read_node(one_node).status.allocatable["cpu"]
    cpu = float(parse_quantity(room)) * 0.7
    name = f"important-{pods.site.namespace}"
    important = {"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name}, "value": 9}
    pods.site.kubectl("apply", "-f", "-", stdin=json.dumps(important))
    pods.set(RADIANT_JOBS__POC__CPU=str(cpu))
    try:
        gate, closed = gate_of(pods)
        task = in_thread(pods, f"{closed}answer('of the second pod')", context)
        first = running_pod(pods)
        container = {"name": "c", "image": pods.site.image, "command": ["sleep", "3"]}
        container["resources"] = {"requests": {"cpu": str(cpu)}}
        spec = {"priorityClassName": name, "restartPolicy": "Never", "containers": [container]}
        pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "important"}, "spec": spec}
        pods.site.kubectl("-n", pods.site.namespace, "apply", "-f", "-", stdin=json.dumps(pod))
        wait_until_gone(pods, first)
        gate.touch()
        assert task.result()["output"] == "of the second pod"
    finally:
        pods.site.kubectl("delete", "priorityclass", name)
    assert re.search(r"Preempted: .*started again \(restart 1 of 3", capfd.readouterr().out)


@pytest.mark.parametrize("backend", ["pods", "deferred_pods"])
def test_a_pod_deleted_under_its_task_is_tried_again(request, backend, context):
    pods = request.getfixturevalue(backend)
    task = in_thread(pods, "time.sleep(300)\nanswer()", context)
    pod = running_pod(pods)
    pods.site.api.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
    with pytest.raises(JobLostError, match=r"deleted|evicted") as raised:
        task.result()
    assert raised.value.reason == "Lost"
    assert pods.result(context).status is Status.LOST
    assert pods.run("answer('again')", context=next_try(context), job="poc")["output"] == "again"


def test_a_job_that_ends_well_while_its_pod_is_deleted_needs_proof(pods, context):
    body = "signal.signal(signal.SIGTERM, lambda *_: None)\ntime.sleep(4)\nanswer('done')"
    task = in_thread(pods, body, context)
    pod = running_pod(pods)
    pods.site.api.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=20)
    error = task.exception()
    if error is None:  # its exit code was seen before it was gone
        assert task.result()["output"] == "done"
    else:
        assert getattr(error, "reason", None) == "Lost"


def test_the_kubelet_ends_a_job_that_no_process_watches(deferred_pods, context):
    deferred_pods.set(RADIANT_JOBS__POC__TIMEOUT_S="2", RADIANT_CONTAINER__START_TIMEOUT_S="2")
    deferred_pods.install("time.sleep(300)")
    operator = deferred_pods.operator_class(task_id="poc", job="poc", arguments={})
    trigger = deferred(operator, context)
    wait_for(lambda: deferred_pods.site.pods(selector="job=poc")[0].status.reason == "DeadlineExceeded", "the deadline")
    event = asyncio.run(follow(trigger))
    with pytest.raises(JobLostError, match="RADIANT_JOBS__POC__TIMEOUT_S") as raised:
        operator.resume(context, json.loads(json.dumps(event)))
    assert raised.value.reason == "DeadlineExceeded"


def test_more_disk_than_asked_for_is_evicted_and_named(pods, context):
    pods.set(RADIANT_JOBS__POC__SCRATCH_GIB="1")
    pods.template(volumes=[{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}])
    body = "open('/scratch/big', 'wb').write(bytes(8 << 20))\ntime.sleep(600)"
    with pytest.raises(AirflowFailException, match=r"Evicted: .*SCRATCH_GIB"):
        pods.run(body, context=context, job="poc")


def test_a_quota_that_can_never_hold_the_pod_fails_at_once(pods, context):
    with pods.site.own_namespace(PODS_QUOTA.format(hard="limits.memory: 100Mi")) as namespace:
        pods.set(RADIANT_KUBERNETES__NAMESPACE=namespace)
        wait_for(lambda: quota_counts(pods, namespace), "the quota counts")
        with pytest.raises(AirflowFailException, match=r"QuotaExceeded: .*limits\.memory"):
            pods.run("answer()", context=context, job="poc")


def quota_counts(pods, namespace):
    return all(one.status.used for one in pods.site.api.list_namespaced_resource_quota(namespace).items)


def test_thirty_pods_behind_a_quota_of_three_all_finish(deferred_pods):
    pods = deferred_pods
    gate = pods.folder / "gate"
    body = f"while not os.path.exists('{gate}'):\n    time.sleep(0.1)\nanswer(request['arguments']['case_id'])"
    with pods.site.own_namespace(PODS_QUOTA.format(hard="pods: 3")) as namespace:
        pods.set(RADIANT_KUBERNETES__NAMESPACE=namespace)
        wait_for(lambda: quota_counts(pods, namespace), "the quota counts")
        pods.install(body)
        tasks = {}
        for index in range(30):
            context = airflow_context(task_id="poc", map_index=index)
            operator = pods.operator_class(task_id="poc", job="poc", arguments={"case_id": index})
            with pytest.raises(TaskDeferred) as raised:
                execute(operator, context)
            tasks[index] = operator, context, raised.value.trigger

        def is_refused_or_started(context):
            record = read_record(pods.task_folder(context))
            return record.refusals > 0 or record.handle is not None

        async def wait_for_all():
            following = [asyncio.create_task(follow(trigger)) for _, _, trigger in tasks.values()]
            while not all(is_refused_or_started(context) for _, context, _ in tasks.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            gate.touch()
            return await asyncio.gather(*following)

        events = asyncio.run(wait_for_all())
        refusals = [read_record(pods.task_folder(context)).refusals for _, context, _ in tasks.values()]
        found = [
            operator.resume(context, json.loads(json.dumps(event)))["output"]
            for (operator, context, _), event in zip(tasks.values(), events, strict=True)
        ]
    assert found == list(range(30))
    assert sum(map(bool, refusals)) == 27, "all but three had to wait for the quota"


@pytest.mark.parametrize("backend", ["pods", "deferred_pods"])
def test_many_lines_at_once_long_ones_and_half_ones_arrive_once_and_in_order(request, backend, context, capfd):
    pods = request.getfixturevalue(backend)
    body = """
for i in range(6000):
    print(f"line {i} end")
print("x" * 40000 + "y" * 5)
print("50%\\r")
sys.stdout.write("no end of line")
sys.stdout.flush()
answer()
"""
    pods.run(body, context=context, job="poc")
    text = capfd.readouterr().out
    assert numbers(text) == list(range(6000))
    assert text.count("x") - text.count("x", 0, 0) >= 40000
    assert len(re.findall(r"x{1000,}", text)) == 3
    assert "yyyyy" in text
    assert "no end of line" in text


def test_nothing_is_lost_or_doubled_when_the_triggerer_is_replaced(deferred_pods, context, capfd):
    pods = deferred_pods
    pods.install("for i in range(60):\n    print(f'line {i} end', flush=True)\n    time.sleep(0.1)\nanswer()")
    operator = pods.operator_class(task_id="poc", job="poc", arguments={})
    with pytest.raises(TaskDeferred) as raised:
        execute(operator, context)
    path, arguments = raised.value.trigger.serialize()
    assert path == "radiant.operators.trigger.ContainerTrigger"

    async def one_triggerer(seconds):
        trigger = type(raised.value.trigger)(**json.loads(json.dumps(arguments)))

        async def first():
            async for event in trigger.run():
                return event.payload
            return None

        running = asyncio.create_task(first())
        done, _ = await asyncio.wait({running}, timeout=seconds)
        if not done:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        await trigger.cleanup()
        return running.result() if done else None

    event = None
    for seconds in (2, 1.3, 1.7, 300):
        event = event or asyncio.run(one_triggerer(seconds))
    operator.resume(context, json.loads(json.dumps(event)))
    assert numbers(capfd.readouterr().out) == list(range(60))


def test_a_person_s_kill_removes_the_pod(deferred_pods):
    context = airflow_context(task_id="poc", map_index=-1, state="failed")
    with pytest.raises(JobLostError) as raised:
        deferred_pods.run("time.sleep(300)", context=context, kill_after_s=3, job="poc")
    assert raised.value.reason == "KilledByUser"
    no_pods(deferred_pods)


def test_a_drained_task_leaves_its_pod_and_the_next_try_adopts_it(pods, context, capfd):
    drained = pods.folder / "drained"
    waits = f"while not os.path.exists('{drained}'): time.sleep(0.1)"
    body = f"print('line 1 end', flush=True)\n{waits}\nprint('line 2 end', flush=True)\nanswer('of the first try')"
    with pytest.raises(JobLostError) as raised:
        pods.run(body, context=context, kill_after_s=3, job="poc")
    assert raised.value.reason == "Drained"
    drained.touch()
    (pod,) = pods.site.pods(selector="job=poc")
    record = read_record(pods.task_folder(context))
    assert record.handle["uid"] == pod.metadata.uid
    capfd.readouterr()
    operator_makes_another = "answer('of a second pod')"
    found = pods.run(operator_makes_another, context=next_try(context), job="poc")
    assert found["output"] == "of the first try"
    assert numbers(capfd.readouterr().out) == [1, 2], "the log of the try that adopts has all"
    no_pods(pods)


def test_the_finished_pod_of_a_dead_worker_is_adopted(deferred_pods, context):
    pods = deferred_pods
    pods.install("answer('of the first try')")
    deferred(pods.operator_class(task_id="poc", job="poc", arguments={"case_id": 17}), context)
    wait_for(lambda: pods.site.pods(selector="job=poc")[0].status.phase == "Succeeded", "the pod ends")
    found = pods.run("answer('of a second pod')", context=next_try(context), job="poc")
    assert found["output"] == "of the first try"


def test_a_repeated_create_finds_the_pod_of_the_same_attempt_and_a_removed_pod_s_log_is_reported(pods, context):
    pods.install("time.sleep(300)")
    folder = pods.task_folder(context)
    folder.write_request(Request("poc", "0f0e0d0c-1", folder.run_uri, {}))
    facts = TaskFacts("POC", "run 1", "poc", -1, 1, last_try=False)
    order = ContainerOrder(POC, folder.argv("poc", "0f0e0d0c-1"), "0f0e0d0c-1", 512, facts, image=pods.site.image)
    platform = KubernetesPlatform(load_settings())
    first = platform.start(order)
    assert platform.start(order) == first
    assert platform.find("0f0e0d0c-1", "poc") == first
    assert len(pods.site.pods(selector="job=poc")) == 1
    platform.stop({**first, "uid": "of another pod"}, "KilledByUser")
    assert platform.status({**first, "uid": "of another pod"}).state == "gone"
    assert pods.site.pods(selector="job=poc")[0].metadata.deletion_timestamp is None
    running_pod(pods)  # a pod that is deleted while it starts may run on until an old kubelet looks at it again
    platform.stop(first, "KilledByUser")
    no_pods(pods)
    assert platform.status(first).state == "gone"
    assert platform.find("0f0e0d0c-1", "poc") is None
    (line,) = platform.read_log(first, "", ContainerStatus(State.ENDED, started_at=1.0)).lines
    assert "removed before its log was read to the end" in line


def test_the_pod_carries_its_place_in_airflow_and_no_rights(pods, context):
    gate, closed = gate_of(pods)
    task = in_thread(pods, f"{closed}answer()", context)
    pod = running_pod(pods)
    gate.touch()
    task.result()
    labels = pod.metadata.labels
    assert (labels["dag_id"], labels["task_id"], labels["job"]) == ("import-vcf", "poc", "poc")
    assert labels["run_id"].startswith("run1-")
    (worker,) = pod.spec.containers
    assert pod.spec.automount_service_account_token is False
    assert worker.security_context.capabilities.drop == ["ALL"]
    assert worker.security_context.read_only_root_filesystem is True
    assert worker.resources.requests["memory"] == worker.resources.limits["memory"] == "512Mi"
    assert [one.mount_path for one in worker.volume_mounts if "serviceaccount" in one.mount_path] == []


def test_clearing_a_deferred_task_never_leaves_two_pods(deferred_pods, context):
    """The next try may begin before the triggerer receives the clearing."""
    pods = deferred_pods
    pods.install("time.sleep(4)\nanswer('once')")
    trigger = deferred(pods.operator_class(task_id="poc", job="poc", arguments={"case_id": 17}), context)
    found = {}

    def second():
        found["value"] = run_task(
            lambda: pods.operator_class(task_id="poc", job="poc", arguments={"case_id": 17}), next_try(context)
        )

    thread = threading.Thread(target=second)
    thread.start()
    wait_for(lambda: read_record(pods.task_folder(context)).held_by == 2, "the second try adopts")
    asyncio.run(trigger.on_kill())
    thread.join()
    assert found["value"]["output"] == "once"
    time.sleep(0.1)
    no_pods(pods)
