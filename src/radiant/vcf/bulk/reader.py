"""The reader: chunks in, batches out, exactly what `vcf.reader.CaseReader` gives line by line."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import cast

import numpy as np
import pyarrow as pa

from radiant.domain.columns import Table as TableDeclaration
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.domain.tables import CASE_TABLES
from radiant.errors import VcfFormatError
from radiant.vcf.bulk.alleles import SKIPS, STORED, TRANSITION, TRANSVERSION, changes, variant_classes
from radiant.vcf.bulk.chunks import Chunk
from radiant.vcf.bulk.columns import decoded
from radiant.vcf.bulk.families import count_families, find_candidates
from radiant.vcf.bulk.genotypes import ZYGOSITIES
from radiant.vcf.bulk.neighbours import without_neighbours
from radiant.vcf.bulk.pairs import BulkPairs
from radiant.vcf.bulk.plain import Kept, PlainReader, ReadLines
from radiant.vcf.bulk.slices import Buffer, Integers, Mask
from radiant.vcf.bulk.tables import Carried, Rows, Table, TableMaker, find_carried, owners
from radiant.vcf.genotypes import Zygosity
from radiant.vcf.line import LineReader
from radiant.vcf.reader import CaseReader
from radiant.vcf.record import Duplicates
from radiant.vcf.report import LineCounts
from radiant.vcf.schema import arrow_schema

_AT = ord("@")
_BUCKETS = ("kept", "split", "skipped")


class BulkReader(CaseReader):
    """Reads one file once, a chunk at a time."""

    _no_pairs = BulkPairs
    lines_alone = 0
    """Data lines that were not plain and read one by one."""

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield (short name of the table, rows without `part` and `case_id`).

        See `CaseReader.batches`. With `ReadOptions.dictionaries`, columns of text that repeat are dictionary arrays.
        """
        feed = self.source.feed(self.options.chunk_bytes)
        reader = self._begin(feed.lines())
        header = reader.header
        plain = PlainReader(
            header, reader.people, self._assembly, reader.consequence_format, reader.spelling, reader.info_plan
        )
        maker = TableMaker(reader.people, plain.genotypes, reader.consequence_format)
        for first_line, text in feed.pieces():
            chunk = Chunk.of(first_line, Buffer.of(text), header.columns)
            del text  # the chunk has its own
            work = ChunkWork(self, reader, plain, maker, chunk)
            batches = work.run()
            failed = work.failed_at
            if failed is not None:
                rest = ((first_line + line, chunk.raw(line)) for line in range(failed + 1, len(chunk)))
                self._look_ahead(reader, chain(rest, feed.lines()))
                raise VcfFormatError(self._rejection())
            del chunk, work  # what takes the rows needs the memory
            yield from self._shaped(batches)
        yield from self._shaped(self._end(reader))
        yield from self._shaped(self._waiting())

    def _waiting(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        for name, rows in self.rows.items():
            batch = rows.take()
            if batch is not None:
                yield name, batch

    def _shaped(self, batches: Iterable[tuple[str, pa.RecordBatch]]) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Cut batches to the size asked for, and decode dictionaries that are not wanted."""
        for name, batch in batches:
            whole = batch if self.options.dictionaries else _decoded(self.tables[name], batch)
            for start in range(0, whole.num_rows, self.options.batch_rows):
                yield name, whole.slice(start, self.options.batch_rows)


class ChunkWork:
    """One chunk on its way to batches."""

    def __init__(
        self, case: BulkReader, reader: LineReader, plain: PlainReader, maker: TableMaker, chunk: Chunk
    ) -> None:
        self._case = case
        self._reader = reader
        self._plain = plain
        self._maker = maker
        self.chunk = chunk
        self.failed_at: int | None = None
        """The line with which one line too many was rejected."""
        self.stretches: list[tuple[str, int, int]] = []
        """Contig, first and last position of each stretch of records."""
        self._read: ReadLines | None = None
        self._remembered_to = 0
        self._plain_kept: Mask | None = None

    def run(self) -> list[tuple[str, pa.RecordBatch]]:
        """Read the chunk and return its rows; `failed_at` says whether there are none because a line was rejected."""
        case, chunk = self._case, self.chunk
        read = self._read = self._plain.read(chunk)
        stretches = read.places.stretches(np.flatnonzero(read.places.primary))
        in_order = stretches is not None and self._reader.order.continues(
            [(contig, first) for contig, first, _ in stretches]
        )
        alone = np.ones(len(chunk), dtype=np.bool_)
        tables: dict[str, Table] = {}
        candidates: Table | None = None
        if in_order and case.options.fasta is None:
            for skipped in read.skipped:
                alone[skipped.lines] = False
            if read.kept is not None:
                ok = self._final(read, read.kept, alone)
                alone[read.kept.lines[ok]] = False
                self._plain_kept = ok
                tables, candidates = self._rows_of(read, read.kept, ok)
                for name, table in tables.items():
                    case.rows[name].written += table.batch.num_rows
            self._count(read, alone)
        lonely = np.flatnonzero(alone)
        case.lines_alone += len(lonely)
        slow = self._read_alone(read, lonely, candidates)
        if in_order:
            self._move_on(read)
        if self.failed_at is not None:
            return []
        spliced = ((name, _spliced(tables.get(name), slow.get(name))) for name in CASE_TABLES)
        return [(name, batch) for name, batch in spliced if batch is not None and batch.num_rows]

    def _move_on(self, read: ReadLines) -> None:
        """Take the place of the last line that was read."""
        end = len(self.chunk) if self.failed_at is None else self.failed_at + 1
        primary = np.flatnonzero(read.places.primary[:end])
        stretches = read.places.stretches(primary) or []
        self.stretches = stretches
        self._reader.order.pass_over([(contig, last) for contig, _, last in stretches])
        self._remember(read, end)

    # --- Plain lines --------------------------------------------------------------------------------------------------

    def _final(self, read: ReadLines, kept: Kept, alone: Mask) -> Mask:
        """Say which kept lines are plain after all."""
        odd = alone.copy()
        odd[kept.lines] = False
        odd[kept.lines[~kept.ok]] = True
        lengths = self.chunk.lines.length if odd.any() else np.zeros(len(self.chunk), dtype=np.int64)
        return without_neighbours(kept, read.places, odd, lengths, self._reader.duplicates.places)

    def _rows_of(self, read: ReadLines, kept: Kept, ok: Mask) -> tuple[dict[str, Table], Table | None]:
        """Make the rows of plain lines and count what is in them."""
        case, genotypes = self._case, self._plain.genotypes
        carried, lonely = find_carried(kept, ok, genotypes, everybody=not self._reader.header.samples)
        self._count_alleles(kept, ok, carried, len(lonely))
        self._note_undeclared(kept, ok)
        count_families(case.family, kept, read.places, ok, variant_classes(kept.trimmed), genotypes)
        if not len(carried):
            return {}, None
        rows: Rows = self._maker.make(kept, read.places, carried)
        tables = {"occurrence": rows.occurrence(), "variant": rows.variant()}
        consequence = rows.consequence()
        if consequence is not None:
            tables["consequence"] = consequence
        self._count_quality(rows)
        self._count_frequencies(tables["variant"])
        return tables, find_candidates(rows, self._reader.people, case.minimum_impact)

    def _count_alleles(self, kept: Kept, ok: Mask, carried: Carried, not_carried: int) -> None:
        alleles, entries = self._case.counts.alleles, self._case.counts.consequences
        mine = ok[kept.alts.line]
        for code, skip in enumerate(SKIPS):
            found = int(np.count_nonzero(mine & (kept.alts.skip == code)))
            if found:
                alleles[skip.value] += found
        if len(carried):
            alleles["carried"] += len(carried)
        if not_carried:
            alleles["not_carried"] += not_carried
        stored = of_skipped = of_nobody = 0
        if kept.entries is not None and ok.any():
            own = ok[kept.entries.line]
            line, alt_index = kept.entries.line[own], kept.entries.alt_index[own]
            stored = int(np.count_nonzero(owners(kept, carried, line, alt_index) >= 0))
            skip = kept.alts.skip[kept.alts.first[line] + alt_index - 1]
            of_skipped = int(np.count_nonzero(skip != STORED))
            of_nobody = len(line) - stored - of_skipped
            entries["of_skipped_alleles"] += of_skipped
            entries["assumed"] += int(np.count_nonzero(kept.entries.assumed[own] & (skip == STORED)))
            if kept.refers is not None:
                refers = kept.entries.field(kept.refers)
                elsewhere = int(np.count_nonzero(own & (refers.byte(0) == _AT)))
                if elsewhere:
                    entries["elsewhere"] += elsewhere
        if len(carried):
            entries["stored"] += stored
        if not_carried:
            entries["not_carried"] += of_nobody

    def _note_undeclared(self, kept: Kept, ok: Mask) -> None:
        reader = self._reader
        for name, places in kept.info.keys.items():
            found = int(np.count_nonzero(ok[places]))
            if found:
                reader.undeclared_info[name] = reader.undeclared_info.get(name, 0) + found
        for name, places in kept.info.annotations.items():
            found = int(np.count_nonzero(ok[places]))
            if found:
                self._case.counts.annotations[name] += found
        for code in np.unique(kept.filter_[ok]).tolist():
            reader.note_filters(kept.filters[code])
        if kept.formats is not None:
            for code in np.unique(kept.formats.code[ok]).tolist():
                reader.format_reader(kept.formats.texts[code])

    def _count_frequencies(self, variants: Table) -> None:
        for column in FREQUENCY_COLUMNS:
            values = decoded(variants.batch.column(column))
            if values.null_count < len(values):
                self._case.counts.frequencies[column] += len(values) - values.null_count

    def _count_quality(self, rows: Rows) -> None:
        zygosity = rows.occurrence_columns["zygosity"].indices.to_numpy(zero_copy_only=False)
        change = changes(rows.trimmed)[rows.allele]
        for member, quality in enumerate(self._case.quality):
            mine = rows.who == member
            found = np.bincount(zygosity[mine], minlength=len(ZYGOSITIES))
            het, hom, hem = (int(found[ZYGOSITIES.index(one)]) for one in (Zygosity.HET, Zygosity.HOM, Zygosity.HEM))
            count = int(np.count_nonzero(mine))
            quality.alleles += count
            quality.het += het
            quality.hom += hom
            quality.hem += hem
            quality.unknown += count - het - hom - hem
            quality.transitions += int(np.count_nonzero(change[mine] == TRANSITION))
            quality.transversions += int(np.count_nonzero(change[mine] == TRANSVERSION))

    def _count(self, read: ReadLines, alone: Mask) -> None:
        """Count plain lines in their buckets."""
        counts, places = self._case.counts, read.places
        bucket = np.full(len(self.chunk), -1, dtype=np.int64)
        for skipped in read.skipped:
            bucket[skipped.lines] = _BUCKETS.index("skipped")
            counts.skipped[skipped.reason] += len(skipped.lines)
            if skipped.reason == "contig":
                for code, found in _tally(places.contig[skipped.lines]):
                    counts.other_contigs[places.names[code]] += found
        if read.kept is not None:
            sequences = np.bincount(read.kept.alts.line[read.kept.stored], minlength=len(read.kept.lines))
            bucket[read.kept.lines] = np.where(sequences > 1, _BUCKETS.index("split"), _BUCKETS.index("kept"))
        bucket[alone] = -1
        plain = np.flatnonzero(bucket >= 0)
        for code, found in _tally(places.contig[plain] * len(_BUCKETS) + bucket[plain]):
            name, kind = places.names[code // len(_BUCKETS)], _BUCKETS[code % len(_BUCKETS)]
            for one in (counts.total, counts.contigs.setdefault(name, LineCounts())):
                one.read += found
                setattr(one, kind, getattr(one, kind) + found)

    # --- Lines that are read alone ------------------------------------------------------------------------------------

    def _read_alone(self, read: ReadLines, lines: Integers, candidates: Table | None) -> dict[str, Table]:
        """Read lines one by one, each after what the plain lines before it have to say."""
        case, chunk = self._case, self.chunk
        line_of: dict[str, list[int]] = {name: [] for name in CASE_TABLES}
        told = 0
        for line in lines.tolist():
            told = self._add_candidates(candidates, told, line)
            self._remember(read, line)
            case.take(self._reader, chunk.first_line + line, chunk.raw(line))
            for name, of in line_of.items():
                of.extend([line] * (len(case.rows[name]) - len(of)))
            if case.failed:
                self.failed_at = line
                return {}
        self._add_candidates(candidates, told, len(chunk))
        tables: dict[str, Table] = {}
        for name, of in line_of.items():
            batch = case.rows[name].take()
            if batch is not None:
                tables[name] = Table(batch, np.array(of, dtype=np.int64))
        return tables

    def _add_candidates(self, candidates: Table | None, told: int, line: int) -> int:
        """Add the candidates before a line, but for those that were told; return how many were by now."""
        if candidates is None:
            return told
        until = int(np.searchsorted(candidates.line, line))
        if until > told:
            cast("BulkPairs", self._case.pairs).add_columns(candidates.batch.slice(told, until - told))
        return until

    def alleles_to(self, contig: str, position: int) -> set[tuple[str, int, str, str]]:
        """Return the alleles of kept lines of a contig up to a position: chromosome, start, reference, alternate."""
        found = self._reader.duplicates.keys
        read, ok = self._read, self._plain_kept
        if read is None or read.kept is None or ok is None or contig not in read.places.names:
            return found
        kept, code = read.kept, read.places.names.index(contig)
        near = ok & (kept.contig == code) & (kept.pos <= position)
        trimmed = kept.trimmed[near[kept.alts.line[kept.stored]]]
        chromosome = str(read.places.chromosomes[code])
        texts = zip(trimmed.start.tolist(), trimmed.ref.texts(), trimmed.alt.texts(), strict=True)
        return found | {(chromosome, *one) for one in texts}

    def _remember(self, read: ReadLines, before: int) -> None:
        """Tell the memory of alleles those of the plain lines just before a line."""
        kept, ok = read.kept, self._plain_kept
        if kept is None or ok is None:
            return
        places = read.places
        last = int(np.searchsorted(kept.lines, before)) - 1
        here = np.flatnonzero(places.primary[:before])
        if not len(here):
            return
        contig, floor = int(places.contig[here[-1]]), int(places.pos[here[-1]]) - Duplicates.REACH
        while last >= self._remembered_to and kept.contig[last] == contig and kept.pos[last] >= floor:
            if ok[last]:
                mine = np.flatnonzero(kept.alts.line[kept.stored] == last)
                some = kept.trimmed[mine]
                keys = list(zip(some.start.tolist(), some.ref.texts(), some.alt.texts(), strict=True))
                self._reader.duplicates.add(
                    str(places.chromosomes[contig]), keys, self.chunk.first_line + int(kept.lines[last])
                )
            last -= 1
        self._remembered_to = max(self._remembered_to, int(np.searchsorted(kept.lines, before)))


def _tally(codes: Integers) -> Iterator[tuple[int, int]]:
    """Count how often each code is there."""
    if len(codes):
        found = np.bincount(codes)
        for code in np.flatnonzero(found).tolist():
            yield code, int(found[code])


def _decoded(table: TableDeclaration, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with plain columns."""
    schema = arrow_schema(table)
    return pa.RecordBatch.from_arrays([decoded(column) for column in batch.columns], schema=schema)


def _spliced(plain: Table | None, alone: Table | None) -> pa.RecordBatch | None:
    """Put the rows of plain lines and of those read alone in the order of the file."""
    if plain is None or alone is None:
        found = plain or alone
        return None if found is None else found.batch
    columns: list[pa.Array] = []
    order = pa.array(np.argsort(np.concatenate((plain.line, alone.line)), kind="stable"))
    for one, other in zip(plain.batch.columns, alone.batch.columns, strict=True):
        text = pa.types.is_dictionary(one.type) and pa.types.is_string(one.type.value_type)
        both = [one, decoded(other).dictionary_encode()] if text else [decoded(one), decoded(other)]
        columns.append(pa.concat_arrays(both).take(order))
    return pa.RecordBatch.from_arrays(columns, names=plain.batch.schema.names)
