"""The variants of a case for people: occurrence, picked consequence and rs numbers in one row."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions.parser import parse
from pyiceberg.expressions.visitors import bind
from pyparsing.exceptions import ParseBaseException

from radiant.domain.entry_columns import FREQUENCY_COLUMNS, IMPACT_SCORES
from radiant.domain.inheritance import ParentalOrigin
from radiant.domain.tables import COMPOUND_HET, CONSEQUENCE, OCCURRENCE, VARIANT
from radiant.errors import InputError
from radiant.lake.case_load import visible_case
from radiant.lake.computed import COMPUTED, FIELDS, with_computed_fields
from radiant.lake.filters import (
    all_of,
    any_of,
    at_most_or_null,
    equal,
    not_null,
    one_of,
    overlapping,
    starting_within,
)
from radiant.lake.iceberg_schema import iceberg_schema
from radiant.lake.visible_rows import CaseTable, case_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression

    from radiant.domain.region import Region

# pyarrow's compute functions are made at run time, type checkers do not see them.
# pyright: reportAttributeAccessIssue=false

_OCCURRENCE = (
    "locus", "chromosome", "start", "end", "reference", "alternate", "sample", "zygosity", "gt", "gq", "dp",
    "ad_ref", "ad_alt", "ad_ratio", "quality", "filter", "mother_zygosity", "father_zygosity", "parental_origin",
    "mendelian_error", "transmission_mode",
)  # fmt: skip

_CONSEQUENCE = (
    "symbol", "gene_id", "transcript_id", "consequences", "impact", "impact_score", "hgvsc", "hgvsp", "mane_select",
    "canonical",
)  # fmt: skip

_SITE = ("rsnumber", *FREQUENCY_COLUMNS)

RESULT_COLUMNS = (*_OCCURRENCE, *_CONSEQUENCE, *_SITE, "compound_het")
"""Columns of `variants`, with the types of the tables they come from.

`compound_het` is `in_trans` (known or assumed) of the row's best compound heterozygous pair, null without one.
"""


@dataclass(frozen=True, slots=True)
class VariantQuery:
    """Which variants of a case; every condition given must hold."""

    case_id: int
    origins: tuple[str, ...] = ()
    """One of these parental origins."""
    impacts: tuple[str, ...] = ()
    """An entry of VEP with one of these impacts; with `genes`, the same entry."""
    genes: tuple[str, ...] = ()
    """An entry of VEP for one of these genes: symbol or gene id, in upper or lower case."""
    region: Region | None = None
    """The reference allele touches this region."""
    max_af: float | None = None
    """None of the allele's population frequencies (`max_af`, `gnomade_af`, `gnomadg_af`) is above this. A frequency
    that is not known (null) is not above: an allele that no database has is kept."""
    where: str | None = None
    """A condition on the columns of the variant table, as PyIceberg reads it: `info_cadd >= 20 and impact = 'HIGH'`.
    A null fits no condition but `is null`."""
    samples: tuple[str, ...] = field(default=())
    """Rows of these members; of the proband when empty."""
    all_members: bool = False
    """Rows of every member."""

    def __post_init__(self) -> None:
        """Refuse filters that no row can match.

        Raises:
            InputError: an origin or impact that does not exist, or a frequency outside 0 to 1.
        """
        if self.max_af is not None and not 0 <= self.max_af <= 1:
            msg = f"a frequency is a number from 0 to 1, not {self.max_af}"
            raise InputError(msg)
        _known("origin", self.origins, tuple(ParentalOrigin))
        _known("impact", self.impacts, tuple(IMPACT_SCORES))


def variants(catalog: Catalog, namespace: str, query: VariantQuery) -> Iterator[pa.RecordBatch]:
    """Yield one row per member and allele, in the order of the VCF.

    Columns: those of `RESULT_COLUMNS`. Impact and gene are compared with all of VEP's entries, not with the picked one
    alone; the row shows the entry that matched (the picked one first, then the most severe). Without these conditions
    it shows the picked entry. Memory: one batch of occurrences and the rows of its region.

    Raises:
        CaseNotFoundError: the case was never imported, or is deleted.
        InputError: the case has no such member, or `where` cannot be read.
        LakeError: the tables do not have what `case_load` states, or the catalog does not answer.
    """
    visible = visible_case(catalog, namespace, query.case_id)
    tables = {
        name: case_table(catalog, namespace, visible, name)
        for name in ("occurrence", "variant", "consequence", "compound_het")
    }
    _check_samples(tables["occurrence"], query)
    return _joined(tables, query, _site_filter(tables["variant"], query))


def lacks_frequencies(catalog: Catalog, namespace: str, query: VariantQuery) -> bool:
    """Return whether a query asks for a frequency and no variant of the case has any.

    Raises:
        CaseNotFoundError: the case was never imported, or is deleted.
        LakeError: the table does not have what `case_load` states, or the catalog does not answer.
    """
    if query.max_af is None and not any(name in (query.where or "") for name in FREQUENCY_COLUMNS):
        return False
    source = case_table(catalog, namespace, visible_case(catalog, namespace, query.case_id), "variant")
    there = [name for name in FREQUENCY_COLUMNS if name in source.table.schema().column_names]
    if not there:
        return True
    found = source.rows(there, any_of(*(not_null(name) for name in there)))
    return not any(batch.num_rows for batch in found)


def result_schema() -> pa.Schema:
    """Return the columns of `variants` with their types."""
    return pa.schema([_FIELDS[name] for name in RESULT_COLUMNS])


_FIELDS: dict[str, pa.Field] = {
    field.name: pa.field(field.name, field.type)
    for table in (COMPOUND_HET, CONSEQUENCE, VARIANT, OCCURRENCE)
    for field in iceberg_schema(table).as_arrow()
} | {"compound_het": pa.field("compound_het", pa.string()), **FIELDS}


def _joined(
    tables: dict[str, CaseTable], query: VariantQuery, by_site: BooleanExpression | None
) -> Iterator[pa.RecordBatch]:
    wanted = _occurrence_filter(query)
    by_entry = _entry_filter(query)
    if by_entry is not None:
        spans = _spans(tables["consequence"], by_entry)
        if not spans:
            return
        wanted = all_of(wanted, any_of(*(starting_within(*span) for span in spans)))
    for batch in tables["occurrence"].rows(_OCCURRENCE, wanted):
        for rows in _per_chromosome(pa.Table.from_batches([batch])):
            yield from _with_consequences(rows, tables, by_entry, by_site).to_batches()


def _with_consequences(
    rows: pa.Table,
    tables: dict[str, CaseTable],
    by_entry: BooleanExpression | None,
    by_site: BooleanExpression | None,
) -> pa.Table:
    """Join occurrences of one chromosome with the entries of their loci."""
    if by_site is not None:
        rows = rows.filter(pc.is_valid(_index(rows, _nearby(tables["variant"], rows, ("locus",), by_site))))
    entries = None
    if by_entry is not None:
        entries = _nearby(tables["consequence"], rows, ("locus", "picked", *_CONSEQUENCE), by_entry)
        entries = entries.take(
            pc.sort_indices(entries, [("picked", "descending", "at_end"), ("impact_score", "descending", "at_end")])
        )
        # The first entry of each locus is the best: index_in finds the first.
        rows = rows.filter(pc.is_valid(_index(rows, entries)))
    sites = _nearby(tables["variant"], rows, ("locus", *_SITE, *_CONSEQUENCE))
    shown = sites if entries is None else entries
    at_entry, at_site = _index(rows, shown), _index(rows, sites)
    columns = {name: rows[name] for name in _OCCURRENCE}
    columns |= {name: shown[name].take(at_entry) for name in _CONSEQUENCE}
    columns |= {name: sites[name].take(at_site) for name in _SITE}
    columns["compound_het"] = _best_pairs(rows, tables["compound_het"])
    return pa.table(columns).cast(result_schema())


def _best_pairs(rows: pa.Table, pairs: CaseTable) -> pa.ChunkedArray:
    """Return `in_trans` of the best pair of each row's member and locus, null where there is none."""
    found = _nearby(pairs, rows, ("sample", "locus", "in_trans"))
    found = found.take(pc.sort_indices(found, [("in_trans", "descending", "at_end")]))  # known before assumed
    at = pc.index_in(_member_and_locus(rows), value_set=_member_and_locus(found).combine_chunks())
    return found["in_trans"].take(at)


def _member_and_locus(rows: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in ("sample", "locus")), "\t")


def _index(rows: pa.Table, sites: pa.Table) -> pa.ChunkedArray:
    """Return for each row where its locus is first in `sites`, null when it is not there."""
    return pc.index_in(rows["locus"], value_set=sites["locus"].combine_chunks())


def _nearby(
    source: CaseTable, rows: pa.Table, columns: tuple[str, ...], condition: BooleanExpression | None = None
) -> pa.Table:
    """Return a table's rows between the first and last of these occurrences (of one chromosome).

    A column that a newer version added, and no import since, is null.
    """
    there = {*source.table.schema().column_names, *COMPUTED}
    schema = pa.schema([_FIELDS[name] for name in columns])
    missing = [name for name in columns if name not in there]
    columns = tuple(name for name in columns if name in there)
    if not rows.num_rows:
        return schema.empty_table()
    bounds = pc.min_max(rows["start"]).as_py()
    here = starting_within(rows["chromosome"][0].as_py(), bounds["min"], bounds["max"])
    found = source.rows(columns, here if condition is None else all_of(here, condition))
    found_schema = with_computed_fields(source.table.schema().as_arrow(), columns)
    table = pa.Table.from_batches(found, found_schema).combine_chunks()
    for name in missing:
        table = table.append_column(_FIELDS[name], pa.nulls(table.num_rows, _FIELDS[name].type))
    return table


def _per_chromosome(rows: pa.Table) -> Iterator[pa.Table]:
    for chromosome in pc.unique(rows["chromosome"]):
        yield rows.filter(pc.equal(rows["chromosome"], chromosome))


def _spans(consequences: CaseTable, by_entry: BooleanExpression) -> list[tuple[str, int, int]]:
    """Return (chromosome, first start, last start) of the matching entries: what else is read stays near them."""
    spans: dict[str, tuple[int, int]] = {}
    for batch in consequences.rows(("chromosome", "start"), by_entry):
        found = pa.table(batch).group_by("chromosome").aggregate([("start", "min"), ("start", "max")])
        for row in found.to_pylist():
            first, last = spans.get(row["chromosome"], (row["start_min"], row["start_max"]))
            spans[row["chromosome"]] = (min(first, row["start_min"]), max(last, row["start_max"]))
    return [(chromosome, first, last) for chromosome, (first, last) in spans.items()]


def _occurrence_filter(query: VariantQuery) -> BooleanExpression:
    filters: list[BooleanExpression] = []
    if query.samples:
        filters.append(one_of("sample", query.samples))
    elif not query.all_members:
        filters.append(equal("is_proband", True))  # noqa: FBT003 - a cell's value
    if query.origins:
        filters.append(one_of("parental_origin", query.origins))
    if query.region is not None:
        filters.append(overlapping(query.region.chromosome, query.region.first, query.region.last))
    return all_of(*filters)


def _entry_filter(query: VariantQuery) -> BooleanExpression | None:
    filters: list[BooleanExpression] = []
    if query.impacts:
        filters.append(one_of("impact", query.impacts))
    if query.genes:
        names = {spelling for gene in query.genes for spelling in _spellings(gene)}
        filters.append(any_of(one_of("symbol", names), one_of("gene_id", names)))
    if filters and query.region is not None:
        filters.append(overlapping(query.region.chromosome, query.region.first, query.region.last))
    return all_of(*filters) if filters else None


def _site_filter(variants: CaseTable, query: VariantQuery) -> BooleanExpression | None:
    schema = variants.table.schema()
    filters: list[BooleanExpression] = []
    if query.max_af is not None:
        filters += [at_most_or_null(name, query.max_af) for name in FREQUENCY_COLUMNS if name in schema.column_names]
    if query.where is not None:
        try:
            condition = parse(query.where)
            bind(schema, condition, case_sensitive=True)
        except (ParseBaseException, ValueError, TypeError) as error:
            msg = (
                f"the condition {query.where!r} cannot be read: {error}. It compares columns of the table "
                f"{VARIANT.name}, for example info_cadd >= 20 and impact = 'HIGH'"
            )
            raise InputError(msg) from error
        filters.append(condition)
    return all_of(*filters) if filters else None


def _spellings(gene: str) -> set[str]:
    """Return how a gene may be written: symbols are upper case except the `orf` of open reading frames (C9orf72)."""
    upper = gene.upper()
    return {gene, upper, re.sub(r"(?<=[0-9XY])ORF(?=[0-9])", "orf", upper)}


def _check_samples(occurrences: CaseTable, query: VariantQuery) -> None:
    if not query.samples:
        return
    known: set[str] = set()
    for batch in occurrences.rows(("sample",)):
        known.update(pc.unique(batch.column("sample")).to_pylist())
    if missing := sorted(set(query.samples) - known):
        msg = (
            f"case {query.case_id} has no rows of member {', '.join(missing)}; "
            f"it has rows of {', '.join(sorted(known)) or 'no sample'}"
        )
        raise InputError(msg)


def _known(what: str, given: tuple[str, ...], words: tuple[str, ...]) -> None:
    for word in given:
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            msg = f"{word!r} is not a known {what}; {hint}Known are {', '.join(words)}"
            raise InputError(msg)
