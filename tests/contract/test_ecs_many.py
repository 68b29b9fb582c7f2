"""Three hundred tasks at once: all started, all waited for in one triggerer, all ended, the calls counted."""

import asyncio
import collections
import json
import re
import stat
import time

import pytest
from airflow.sdk.exceptions import TaskDeferred

from backends import DeferrableEcsBackend, airflow_context, execute, follow
from radiant.operators.ecs_task import cloudwatch, reads
from radiant.operators.trigger import ContainerTrigger

TASKS = 300
WORKER = """#!/bin/sh
# A job of a few milliseconds: answers with the attempt it was asked by.
request=${3#file://} result=${5#file://}
attempt=$(sed -n 's/.*"attempt": "\\([^"]*\\)".*/\\1/p' "$request")
echo "said by $attempt"
printf '{"job": "poc", "attempt": "%s", "status": "succeeded", "failure": null, "output": "%s", "rows": {}, \
"digests": {}, "usage": null, "radiant_version": "9.9", "image": null, "python_version": "", "started_at": "", \
"finished_at": "", "protocol": 2}' "$attempt" "$attempt" > "$result"
"""


@pytest.mark.timeout(600)
def test_300_tasks_at_once_drain_and_the_calls_stay_few(tmp_path, monkeypatch, ecs_ground, capfd, request):
    backend = DeferrableEcsBackend(tmp_path, monkeypatch, ecs_ground)
    monkeypatch.setenv("RADIANT_CONTAINER__LOOK_S", "1")
    monkeypatch.setattr(reads, "GAP_S", 0.5)
    # All of them end within seconds, each log is read twice: at the pace of a real process that alone takes a minute.
    monkeypatch.setattr(cloudwatch, "PER_S", 60.0)
    worker = backend.install("")
    worker.write_text(WORKER)
    worker.chmod(worker.stat().st_mode | stat.S_IXUSR)

    def operator():
        return backend.operator_class(task_id="import_case", job="poc", arguments={"case_id": 17})

    contexts = [airflow_context(map_index=index) for index in range(TASKS)]
    triggers = []
    for context in contexts:
        with pytest.raises(TaskDeferred) as deferred:
            execute(operator(), context)
        triggers.append(ContainerTrigger(**json.loads(json.dumps(deferred.value.trigger.serialize()[1]))))

    async def all_of_them():
        return await asyncio.gather(*(follow(trigger) for trigger in triggers))

    began = time.monotonic()
    events = asyncio.run(all_of_them())
    seconds = time.monotonic() - began
    summaries = [operator().resume(context, event) for context, event in zip(contexts, events, strict=True)]

    attempts = [backend.request(context).attempt for context in contexts]
    assert [summary["output"] for summary in summaries] == attempts
    said = collections.Counter(re.findall(r"said by (\S{36})", capfd.readouterr().out))
    assert said == collections.Counter(attempts)
    calls = collections.Counter(call.name for call in backend.fake.calls(who="airflow"))
    request.node.user_properties.append(("seconds", round(seconds)))
    request.node.user_properties.append(("calls", dict(calls)))
    assert calls["ecs:RunTask"] == TASKS
    assert set(calls) == {"ecs:RunTask", "ecs:DescribeTasks", "logs:GetLogEvents"}
    assert calls["ecs:DescribeTasks"] <= seconds / reads.GAP_S + 2
    assert calls["logs:GetLogEvents"] <= cloudwatch.PER_S * (seconds + 1)
