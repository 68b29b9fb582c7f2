"""Valid VCF files whose fields are each absent, all missing, constant, unique or there on some lines: strategies.

Hypothesis draws what a field does in the whole file; the values come from a generator that it seeds, so that a file of
many lines costs little.
"""

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st

from radiant.demo.bgzf_writer import bgzf_block

SAMPLES = ("kid", "dad", "mum")
WAYS = ("absent", "missing", "constant", "unique", "some")
"""The state of a field in a file: not declared or named at all, `.` or empty everywhere, one value, another on each
line, or a value on some lines."""

_INFO = {
    "AC": ("A", "Integer"), "AF": ("A", "Float"), "AN": ("1", "Integer"), "DP": ("1", "Integer"), "MQ": ("1", "Float"),
    "QD": ("1", "Float"), "DB": ("0", "Flag"), "CADD": ("1", "Float"), "OLD_RECORD": ("1", "String"),
}  # fmt: skip
_FORMAT = {
    "GT": ("1", "String"), "AD": ("R", "Integer"), "DP": ("1", "Integer"), "GQ": ("1", "Integer"),
    "PS": ("1", "Integer"), "PL": ("G", "Integer"),
}  # fmt: skip
CSQ_FIELDS = {
    "Consequence": ["intron_variant", "missense_variant", "stop_gained&splice_region_variant", "intergenic_variant"],
    "IMPACT": ["MODIFIER", "MODERATE", "HIGH", "LOW"],
    "SYMBOL": ["ABC", "XYZ1", "C9orf72"],
    "Gene": ["ENSG1", "ENSG22", "ENSG333"],
    "Feature": ["ENST1", "ENST2.4", "NM_1.2"],
    "BIOTYPE": ["protein_coding", "lncRNA"],
    "EXON": ["1/3", "2-3/12"],
    "HGVSc": ["ENST1.2:c.10A>G", "ENST2:c.5del"],
    "HGVSp": ["ENSP1.1:p.Ala2%3D", "ENSP2:p.Gly4Ser"],
    "STRAND": ["1", "-1"],
    "CANONICAL": ["YES"],
    "MANE_SELECT": ["NM_1.2"],
    "PICK": ["1"],
    "SIFT": ["deleterious(0.01)", "tolerated(1)", "deleterious"],
    "PolyPhen": ["benign(0.1)", "probably_damaging(0.99)"],
    "Existing_variation": ["rs5", "rs6&COSV7", "rs5"],
    "gnomADe_AF": ["0.1", "1.5e-05", "0"],
    "MAX_AF": ["0.5", "1"],
    "CLIN_SIG": ["benign&pathogenic", "uncertain_significance"],
    "LoF_info": ["a", "b%2Cc"],
}
_CALLS = ("0/0", "0/1", "1/1", "0|1", "1|0", "./.", "0/.")
_BASES = "ACGT"


@dataclass(frozen=True)
class Plan:
    """The plan of a file."""

    seed: int
    lines: int
    samples: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)
    """State of each column and each INFO, FORMAT and CSQ field, by name."""
    entries: str = "some"
    """Entries of a line: absent, one, some or many."""
    multiallelic: bool = False
    chunk_bytes: int = 1 << 20
    block_bytes: int = 1 << 15
    """Text in one BGZF block."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of files of one line to many chunks."""
    fields = {name: draw(st.sampled_from(WAYS)) for name in ("ID", "QUAL", "FILTER")}
    fields |= {f"INFO/{name}": draw(st.sampled_from(WAYS)) for name in _INFO}
    fields |= {f"FORMAT/{name}": draw(st.sampled_from(WAYS)) for name in _FORMAT if name != "GT"}
    fields |= {f"CSQ/{name}": draw(st.sampled_from(WAYS)) for name in CSQ_FIELDS}
    return Plan(
        seed=draw(st.integers(0, 2**32 - 1)),
        lines=draw(st.sampled_from([1, 2, 3, 1, 2, 7, 20, 60])),
        samples=draw(st.sampled_from([SAMPLES, SAMPLES[:1]])),
        fields=fields,
        entries=draw(st.sampled_from(["absent", "one", "some", "some", "many"])),
        multiallelic=draw(st.booleans()),
        chunk_bytes=draw(st.sampled_from([100, 1_000, 5_000, 1 << 20])),
        block_bytes=draw(st.sampled_from([200, 2_000, 1 << 15])),
    )


def write_bgzf(path, content: bytes, block_bytes: int) -> None:
    """Write text as BGZF blocks of a size."""
    blocks = [bgzf_block(content[at : at + block_bytes]) for at in range(0, len(content), block_bytes)]
    path.write_bytes(b"".join([*blocks, bgzf_block(b"")]))


def content_of(plan: Plan) -> bytes:
    """Return the text of the file that a plan describes."""
    return _Writer(plan).text().encode()


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rng = random.Random(plan.seed)  # noqa: S311 - test data
        self._info = [name for name in _INFO if plan.fields[f"INFO/{name}"] != "absent"]
        self._format = ["GT", *(name for name in _FORMAT if plan.fields.get(f"FORMAT/{name}", "absent") != "absent")]
        self._csq = ["Allele", *(name for name in CSQ_FIELDS if plan.fields[f"CSQ/{name}"] != "absent")]
        self._count = 0
        self._ref = ""

    def text(self) -> str:
        header = ["##fileformat=VCFv4.2", '##FILTER=<ID=LowQual,Description="Low">']
        for name in self._info:
            number, type_ = _INFO[name]
            header.append(f'##INFO=<ID={name},Number={number},Type={type_},Description="x">')
        for name in self._format:
            number, type_ = _FORMAT[name]
            header.append(f'##FORMAT=<ID={name},Number={number},Type={type_},Description="x">')
        if self._plan.entries != "absent":
            what = f"Consequence annotations from Ensembl VEP. Format: {'|'.join(self._csq)}"
            header.append(f'##INFO=<ID=CSQ,Number=.,Type=String,Description="{what}">')
        header += [f"##contig=<ID=chr{name},length={size}>" for name, size in (("1", 248956422), ("X", 156040895))]
        columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *self._plan.samples]
        return "\n".join([*header, "\t".join(columns), *self._lines(), ""])

    def _lines(self) -> list[str]:
        lines = []
        on_x = self._plan.lines - self._plan.lines // 4
        pos = 5_000_000
        for index in range(self._plan.lines):
            pos += self._rng.choice([1, 2, 50, 3000])
            lines.append(self._line("chr1" if index < on_x else "chrX", pos + 10_000_000 * (index >= on_x)))
        return lines

    def _line(self, chrom: str, pos: int) -> str:
        rng = self._rng
        first = rng.choice(_BASES)
        ref = first + "".join(rng.choices(_BASES, k=rng.choice([0, 0, 0, 1, 9])))
        self._ref = ref
        others = [base for base in _BASES if base != first]
        alts = [rng.choice([others[0] + ref[1:], first + "T" * rng.choice([11, 12])])]
        if self._plan.multiallelic and rng.random() < 0.3:
            alts.append(others[1] + ref[1:])
        columns = [
            chrom, str(pos), self._value("ID", ["rs5", "rs6;rs7"], "rs{}"), ref, ",".join(alts),
            self._value("QUAL", ["50", "0", "33.25"], "{}.5"), self._value("FILTER", ["PASS", "LowQual"], "PASS"),
            self._infos(alts), ":".join(self._format), *(self._sample(len(alts)) for _ in self._plan.samples),
        ]  # fmt: skip
        return "\t".join(columns)

    def _value(self, name: str, values: list[str], unique: str, missing: str = ".") -> str:
        way = self._plan.fields[name]
        if way in {"absent", "missing"} or (way == "some" and self._rng.random() < 0.5):
            return missing
        if way == "constant":
            return values[0]
        if way == "unique":
            self._count += 1
            return unique.format(self._count)
        return self._rng.choice(values)

    def _infos(self, alts: list[str]) -> str:
        found = []
        for name in self._info:
            number, type_ = _INFO[name]
            values = ["1", "2"] if type_ == "Integer" else ["0.5", "1e-3", "12.125"] if type_ == "Float" else ["x", "y"]
            unique = "w{}" if type_ == "String" else "{}"
            count = len(alts) if number == "A" else 1
            texts = [self._value(f"INFO/{name}", values, unique) for _ in range(count)]
            if type_ == "Flag":
                found += [name] if texts[0] != "." else []
            elif texts != ["."] or self._plan.fields[f"INFO/{name}"] == "missing":
                found.append(f"{name}={','.join(texts)}")
        if self._plan.entries != "absent" and (entries := self._entries(alts)):
            found.append(f"CSQ={','.join(entries)}")
        return ";".join(found) or "."

    def _entries(self, alts: list[str]) -> list[str]:
        rng = self._rng
        count = {"one": 1, "some": rng.choice([0, 1, 2, 3]), "many": rng.choice([5, 9])}[self._plan.entries]
        return [
            "|".join([self._allele(alts), *(self._csq_field(name) for name in self._csq[1:])]) for _ in range(count)
        ]

    def _allele(self, alts: list[str]) -> str:
        return self._rng.choice(self._names(alts))

    def _names(self, alts: list[str]) -> list[str]:
        """Return VEP's names of the alleles: without their first base where lengths differ."""
        lengths = {len(one) for one in (self._ref, *alts)}
        drop = len(lengths) > 1 and len({one[0] for one in (self._ref, *alts)}) == 1
        return [(one[1:] or "-") if drop else one for one in alts]

    def _csq_field(self, name: str) -> str:
        values = CSQ_FIELDS[name]
        unique = f"{values[0].rstrip('0123456789')}{{}}" if name in _UNIQUE else self._rng.choice(values)
        return self._value(f"CSQ/{name}", values, unique, missing="")

    def _sample(self, alts: int) -> str:
        genotype = self._rng.choice(_CALLS if alts == 1 else (*_CALLS, "1/2", "0/2"))
        found = [genotype]
        for name in self._format[1:]:
            many = {"AD": alts + 1, "PL": (alts + 1) * (alts + 2) // 2}.get(name, 1)
            texts = [self._value(f"FORMAT/{name}", ["30", "2", "0"], "{}") for _ in range(many)]
            found.append("." if set(texts) == {"."} else ",".join(texts))
        if self._rng.random() < 0.1:
            found = found[:1]  # trailing fields may be left out
        return ":".join(found)


_UNIQUE = {"SYMBOL", "Gene", "Feature", "HGVSc", "HGVSp", "Existing_variation", "LoF_info", "gnomADe_AF"}
