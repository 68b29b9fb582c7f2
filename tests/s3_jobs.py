"""The import's jobs in their order, in this process, with every document on the S3 of a test."""

from radiant import storage
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Result, Status, decode_result, outcome_uri, run_uri, task_uri
from radiant.worker.main import run


def job(settings, name, task, top, **arguments) -> Result:
    place = task_uri(top, task, 0)
    storage.write_bytes(f"{place}/request.json", encode(Request(name, task, top, arguments)))
    outcome = outcome_uri(place, task)
    run(Request(name, task, top, arguments), settings, outcome)
    return decode_result(storage.read_bytes(outcome), place)


def prepared(settings):
    top = run_uri(settings.effective_work_uri, "import-vcf", "run1")
    plan = job(settings, "plan-import", "plan", top, cases=None)
    assert plan.status is Status.SUCCEEDED, plan.failure
    (part,) = plan.output["parts"]
    found = job(settings, "prepare-part", "prepare", top, part=part["part"], cases=part["cases"])
    assert found.status is Status.SUCCEEDED, found.failure
    return top, part["part"], found.output["cases"]
