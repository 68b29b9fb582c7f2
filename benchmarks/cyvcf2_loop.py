"""The importer one writes first: a loop over cyvcf2's records, a dict per row, `from_pylist` per batch.

It makes the same occurrence, variant and consequence rows as radiant (same rules for alleles, zygosity, inheritance and
picking, taken from radiant itself) and leaves out what only costs: the checks of every value against its declaration,
order and duplicates, quarantine, family statistics, compound heterozygous pairs, digests.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cyvcf2 import VCF

from radiant.domain.assembly import canonical_chromosome, region_class
from radiant.domain.case import Affected, Member
from radiant.domain.inheritance import infer
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.tables import CASE_TABLES, INFO_COLUMNS
from radiant.domain.trio import Trio
from radiant.vcf import arrow_schema
from radiant.vcf.header.people import Person, find_people
from radiant.vcf.rules import alleles, consequences
from radiant.vcf.rules.genotypes import AlleleDepth, zygosity

_BATCH = 10_000
_infer = lru_cache(maxsize=1 << 16)(infer)


def _gt(genotype: list[Any]) -> str:
    return ("|" if genotype[-1] else "/").join("." if one < 0 else str(one) for one in genotype[:-1])


def _value(array: Any, sample: int, index: int = 0) -> int | None:
    if array is None or index >= len(array[sample]):
        return None
    value = int(array[sample][index])
    return value if value >= 0 else None


class _Call:
    def __init__(self, genotype: list[Any], sample: int, dp: Any, gq: Any, ad: Any, n_alleles: int) -> None:
        self.gt = _gt(genotype)
        self.site = tuple(genotype[:-1])
        self.phased = bool(genotype[-1])
        self.dp, self.gq = _value(dp, sample), _value(gq, sample)
        self.depths = [_value(ad, sample, index) for index in range(n_alleles)]

    def depth(self, alt_index: int) -> AlleleDepth:
        total = None if None in self.depths else sum(self.depths)  # type: ignore[arg-type]
        return AlleleDepth(self.depths[0], self.depths[alt_index], total)

    def columns(self, prefix: str, alt_index: int, person: Person, region: Any) -> dict[str, Any]:
        depth = self.depth(alt_index)
        return {
            f"{prefix}calls": [0 if one == 0 else 1 if one == alt_index else -1 for one in self.site],
            f"{prefix}zygosity": zygosity(self.gt, alt_index, person.member.sex, region, depth).value,
            f"{prefix}dp": self.dp,
            f"{prefix}gq": self.gq,
            f"{prefix}ad_ref": depth.ref,
            f"{prefix}ad_alt": depth.alt,
            f"{prefix}ad_total": depth.total,
            f"{prefix}ad_ratio": depth.ratio,
        }


def _info(record: Any, alt_index: int) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for key, column in INFO_COLUMNS.items():
        value = record.INFO.get(key)
        if value is not None and column.name not in columns:
            columns[column.name] = value[alt_index - 1] if isinstance(value, tuple) else value
    return columns


def rows(path: Path, members: Sequence[Member]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, row)."""
    vcf = VCF(str(path))
    header = vcf.raw_header.splitlines()
    format_ = consequences.ConsequenceFormat.from_info_header(header)
    people = find_people(str(path), vcf.samples, members, 0)
    for record in vcf:
        chromosome = canonical_chromosome(record.CHROM)
        if chromosome is None:
            continue
        found = alleles.split_record(record.CHROM, record.POS, record.REF, record.ALT)
        region = region_class("GRCh38", chromosome, record.POS)
        dp, gq, ad = record.format("DP"), record.format("GQ"), record.format("AD")
        genotypes = record.genotypes
        calls = [_Call(genotypes[one.column], one.column, dp, gq, ad, len(found) + 1) for one in people]
        parsed = consequences.parse(record.INFO.get(format_.tag), found, format_) if format_ else consequences.NOTHING
        for allele in found:
            carriers = [index for index, call in enumerate(calls) if allele.alt_index in call.site]
            if allele.skip is not None or not carriers:
                continue
            locus = alleles.locus(chromosome, allele.start, allele.reference, allele.alternate)
            key = {
                "locus": locus,
                "locus_hash": alleles.locus_hash(locus),
                "chromosome": chromosome,
                "start": allele.start,
                "end": allele.end,
                "reference": allele.reference,
                "alternate": allele.alternate,
            }
            shared = {
                **key,
                "source_pos": record.POS,
                "source_ref": record.REF,
                "source_alt": ",".join(record.ALT),
                "alt_index": allele.alt_index,
                "quality": record.QUAL,
                "filter": ["PASS"] if record.FILTER is None else record.FILTER.split(";"),
                **_info(record, allele.alt_index),
            }
            for index in carriers:
                yield "occurrence", {**shared, **_occurrence(people, calls, index, allele.alt_index, region)}
            own = parsed.of(allele.alt_index)
            picked, picked_by = consequences.pick(own)
            existing = [entry.existing_variation for entry in own]
            yield (
                "variant",
                {
                    **key,
                    "variant_class": alleles.variant_class(allele.reference, allele.alternate),
                    "rsnumber": consequences.rsnumbers(record.ID, existing),
                    "picked_by": picked_by,
                    **(picked.columns if picked else {}),
                },
            )
            for entry in own:
                yield (
                    "consequence",
                    {**key, **entry.columns, "picked": entry is picked, "extra": list(entry.extra.items())},
                )


def _occurrence(
    people: Sequence[Person], calls: Sequence[_Call], index: int, alt_index: int, region: Any
) -> dict[str, Any]:
    person, call = people[index], calls[index]
    row = {**person.columns, "gt": call.gt, "phased": call.phased, **call.columns("", alt_index, person, region)}
    for name, parent in (("father", person.father), ("mother", person.mother)):
        if parent is not None:
            row |= calls[parent].columns(f"{name}_", alt_index, people[parent], region)
    inferred = _infer(
        Trio(
            region=region,
            sex=person.member.sex,
            child=call.site,
            father=None if person.father is None else calls[person.father].site,
            mother=None if person.mother is None else calls[person.mother].site,
            allele=alt_index,
            child_affected=person.member.affected,
            father_affected=Affected.UNKNOWN if person.father is None else people[person.father].member.affected,
            mother_affected=Affected.UNKNOWN if person.mother is None else people[person.mother].member.affected,
        )
    )
    row["parental_origin"] = inferred.parental_origin.value
    row["mendelian_error"] = inferred.mendelian_error
    row["transmission_mode"] = inferred.transmission_mode.value
    return row


def main(vcf: Path, ped: Path, out: Path) -> None:
    """Import one file into three Parquet files."""
    members = parse_pedigree(ped.read_text(), str(ped), None)
    waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in ("occurrence", "variant", "consequence")}
    schemas = {name: arrow_schema(CASE_TABLES[name]) for name in waiting}
    writers = {
        name: pq.ParquetWriter(out / f"{name}.parquet", schema, compression="zstd") for name, schema in schemas.items()
    }
    for name, row in rows(vcf, members):
        batch = waiting[name]
        batch.append(row)
        if len(batch) >= _BATCH:
            writers[name].write_table(pa.Table.from_pylist(batch, schema=schemas[name]))
            batch.clear()
    for name, batch in waiting.items():
        writers[name].write_table(pa.Table.from_pylist(batch, schema=schemas[name]))
        writers[name].close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
