"""Commits, moves, deletions, crashes and maintenance in any order: each case has its rows once, and no others.

`pytest --timeout 0 --hypothesis-profile explore tests/unit/lake/test_any_order.py` looks for new orders.
"""

import datetime as dt
import tempfile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.lake import commit as commits
from radiant.lake import manifest_cases
from radiant.lake.avro_blocks import header
from radiant.lake.create import load_tables
from radiant.lake.pyiceberg_internals import ReplaceFiles, RewriteManifests
from radiant.settings import load_settings
from staging import NAMESPACE, commit, counts, read, stage

CASES = st.integers(1, 5)
PARTS = st.integers(1, 3)
ROWS = st.integers(1, 4)


class CrashError(Exception):
    """The end of a commit at one of its tables."""


class LakeLife(RuleBasedStateMachine):
    """A lake of a few cases, with manifests of few files that are brought together often."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(ReplaceFiles, "MERGED", 3)
        self.patch.setattr(ReplaceFiles, "FULL", 4)
        self.patch.setattr(RewriteManifests, "FILES", 4)
        self.folder = tempfile.TemporaryDirectory()
        self.catalog = lake.open_catalog(load_settings({"RADIANT_HOME": self.folder.name}))
        self.refs = lake.ensure_tables(self.catalog, NAMESPACE)
        self.visible: dict[int, tuple[int, list]] = {}
        """Part and rows of each case that readers see."""
        self.number = 0

    def teardown(self) -> None:
        self.patch.undo()
        self.catalog.close()
        self.folder.cleanup()

    def staged(self, sizes: dict[int, int], part: int) -> tuple[list[lake.Manifest], str]:
        self.number += 1
        seed = self.number * 10
        return [
            stage(self.refs, case, f"l{self.number}", part=part, rows=rows, seed=seed + case)
            for case, rows in sizes.items()
        ], f"t{self.number}"

    def landed(self, sizes: dict[int, int], part: int, deleted: set[int]) -> None:
        for case in deleted:
            del self.visible[case]
        for case, rows in sizes.items():
            self.visible[case] = part, read(self.catalog, case)
            assert len(self.visible[case][1]) == rows

    @initialize(sizes=st.dictionaries(CASES, ROWS, min_size=1), part=PARTS)
    def first(self, sizes, part):
        self.replace(sizes, part, set())

    @rule(sizes=st.dictionaries(CASES, ROWS, max_size=3), part=PARTS, deleted=st.sets(CASES, max_size=2))
    def replace(self, sizes, part, deleted):
        """Import cases, from whatever part they were in, and remove others."""
        deleted = {one for one in deleted if one in self.visible and one not in sizes}
        manifests, token = self.staged(sizes, part)
        commit(self.catalog, manifests, token, part=part, deleted=deleted)
        self.landed(sizes, part, deleted)
        if manifests:
            assert not commit(self.catalog, manifests, token, part=part, deleted=deleted).changed or deleted

    @rule(
        sizes=st.dictionaries(CASES, ROWS, min_size=1, max_size=2),
        part=PARTS,
        failing=st.sets(st.sampled_from([*CASE_TABLES, "case_load"]), min_size=1),
        repeated=st.booleans(),
    )
    def crash(self, sizes, part, failing, repeated):
        """End a commit before some of its tables have landed; repeat it, or go on with other work."""
        manifests, token = self.staged(sizes, part)
        names = {declared.name for short, declared in CASE_TABLES.items() if short in failing}
        names |= failing & {"case_load"}
        real = commits.commit_replacement

        def landed_or_not(table, *rest, **named):
            if table.name()[-1] in names:
                raise CrashError
            return real(table, *rest, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commits, "commit_replacement", landed_or_not)
            with pytest.raises(CrashError):
                commit(self.catalog, manifests, token, part=part)
        self.each_case_has_its_rows()
        if repeated:
            commit(self.catalog, manifests, token, part=part)
            self.landed(sizes, part, set())
        else:
            self.replace({case: rows + 1 for case, rows in sizes.items()}, part % 3 + 1, set())

    @rule(file_bytes=st.sampled_from([0, 1 << 20]), expire=st.booleans())
    def maintain(self, file_bytes, expire):
        """Expire snapshots, bring files and manifests together, delete orphans."""
        when = dt.datetime.now(dt.UTC) + dt.timedelta(days=1 if expire else -1)
        lake.maintain_tables(self.catalog, NAMESPACE, lake.Cutoffs(when, when), (), target_bytes=file_bytes)

    @invariant()
    def each_case_has_its_rows(self):
        assert set(lake.visible_cases(self.catalog, NAMESPACE)) == set(self.visible)
        for case, (_, rows) in self.visible.items():
            assert read(self.catalog, case) == rows

    @invariant()
    def no_rows_are_left_behind(self):
        assert counts(self.catalog) == {(part, case): len(rows) for case, (part, rows) in self.visible.items()}

    @invariant()
    def headers_name_the_cases_of_their_files(self):
        for table in load_tables(self.catalog, NAMESPACE).values():
            snapshot = table.current_snapshot()
            for manifest in () if snapshot is None else snapshot.manifests(table.io):
                with table.io.new_input(manifest.manifest_path).open() as stream:
                    said = header(stream.read())[0][manifest_cases.HEADER_KEY.encode()]
                entries = manifest.fetch_manifest_entry(table.io)
                field = table.schema().find_field("case_id").field_id
                assert said.decode() == manifest_cases.encode(
                    manifest_cases.bounds_of(one.data_file, field) for one in entries
                )


def test_a_lake_in_any_order_of_work_has_the_rows_of_its_cases_and_no_others():
    orders = settings.default.max_examples // 20
    run_state_machine_as_test(LakeLife, settings=settings(max_examples=orders, stateful_step_count=8))
