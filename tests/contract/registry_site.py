"""What the registry's suites share: a clock, families on disk, the steps of a run."""

import datetime as dt
import os
from pathlib import Path

from radiant.domain.case import CaseState, Priority
from radiant.domain.partition import plan
from radiant.registry import Claim, Registration
from radiant.registry import loads as loads_module

DAY_0 = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
LEASE_S = 3600


class Clock:
    def __init__(self):
        self.now = DAY_0

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += dt.timedelta(seconds=seconds)


class Files:
    """Families on disk: one VCF and one PED each. These VCFs are never read."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        self.ticks = 0

    def vcf(self, name="a", content="content") -> str:
        return self._write(self.folder / f"{name}.vcf.gz", content)

    def ped(self, name="a", *, family=None, extra="", patient=None) -> str:
        family = family or name
        patient = patient or f"P-{name}"
        text = (
            "#family_id\tindividual\tfather\tmother\tsex\tphenotype\tpatient_id\n"
            f"{family}\tC{name}\tF{name}\tM{name}\t1\t2\t{patient}\n"
            f"{family}\tF{name}\t0\t0\t1\t1\tF-{patient}\n"
            f"{family}\tM{name}\t0\t0\t2\t1\tM-{patient}\n{extra}"
        )
        return self._write(self.folder / f"{name}.ped", text)

    def _write(self, path, text):
        path.write_text(text)
        # Two writes within one tick of the file system's clock would look like one.
        self.ticks += 1
        os.utime(path, ns=(10**18 + self.ticks, 10**18 + self.ticks))
        return f"file://{path}"

    def registration(self, name="a", **changes) -> Registration:
        return Registration(
            **(
                {
                    "vcf_uri": f"file://{self.folder}/{name}.vcf.gz",
                    "strategy": "wgs",
                    "priority": Priority.ROUTINE,
                    "assembly": "GRCh38",
                    "ped_uri": f"file://{self.folder}/{name}.ped",
                }
                | changes
            )
        )

    def make(self, name="a", **changes) -> Registration:
        self.vcf(name)
        self.ped(name)
        return self.registration(name, **changes)


def plan_due(registry, run="plan", requested=None):
    due = registry.due(requested, run=run)
    known = registry.placement()
    return due, plan(
        [one.case for one in due.cases if one.state is not CaseState.DELETED],
        known.known,
        known.counts,
        removed={one.case.case_id: one.part for one in due.cases if one.state is CaseState.DELETED},
    )


def assign_all(registry, run="plan", requested=None):
    _, planned = plan_due(registry, run, requested)
    assert registry.assign(planned, run=run, lease_s=LEASE_S) == {}
    return planned


def claim_all(registry, run="part", part=0) -> Claim:
    return registry.claim(part, None, run=run, lease_s=LEASE_S)


def import_all(registry, sha256=None):
    assign_all(registry)
    claim = claim_all(registry)
    loads = [(one.case.case_id, one.load_id) for one in claim.cases]
    assert registry.begin_commit(loads, [], "t").refused == {}
    for case_id, load_id in loads:
        registry.finish_imported(case_id, load_id, vcf_sha256=sha256)
    return dict(loads)


def due_ids(registry, **arguments):
    return [one.case.case_id for one in registry.due(**arguments).cases]


def state(registry, case_id=1):
    return registry.get(case_id).state


def unfinished_loads(registry, case_ids):
    """Return the failed loads whose files a later claim would hand out for deletion."""
    with registry._database.read() as session:
        return loads_module.unfinished_loads(session, case_ids)
