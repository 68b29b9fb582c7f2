"""The settings of reading VCF files, and of reports about it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from radiant.assembly_names import assembly_name
from radiant.setting_types import GROUP, Names, from_list

GNOMADE_AF_NAMES = (
    "gnomAD_exomes_AF", "gnomADe", "gnomAD_AF", "dbNSFP_gnomAD_exomes_AF", "gnomAD_exome_ALL", "ExAC_AF", "EXACAF",
    "ExAC_ALL", "dbNSFP_ExAC_AF",
)  # fmt: skip
GNOMADG_AF_NAMES = (
    "gnomAD_genomes_AF", "gnomADg", "dbNSFP_gnomAD_genomes_AF", "gnomAD_genome_ALL", "GNOMADAF", "1000GAF",
    "1000Gp3_AF", "dbNSFP_1000Gp3_AF",
)  # fmt: skip
MAX_AF_NAMES = (
    "AF_grpmax", "AF_popmax", "gnomADe_AF_grpmax", "gnomADe_AF_popmax", "gnomADg_AF_grpmax", "gnomADg_AF_popmax",
    "gnomAD_AF_popmax", "gnomAD_popmax_AF", "gnomAD_exomes_POPMAX_AF", "gnomAD_genomes_POPMAX_AF", "GNOMADAF_popmax",
    "GNOMADAF_MAX", "EXACMAX_AF", "EXACMAXAF", "1000G_MAX_AF",
)  # fmt: skip


def _own_spelling(value: object) -> object:
    return (assembly_name(value) or value) if isinstance(value, str) else value


class Vcf(BaseModel):
    """How VCF files are read."""

    model_config = GROUP

    assembly: Annotated[Literal["GRCh38", "GRCh37"], BeforeValidator(_own_spelling)] = "GRCh38"
    """Assembly of cases that do not state their own; `hg19`, `b37`, `hg38` and other names are accepted."""
    tolerate: int = Field(default=0, ge=0)
    """Rejected lines with which a case is still imported; 0 is strict."""
    compound_het_impact: Literal["HIGH", "MODERATE", "LOW"] = "MODERATE"
    """VEP impact from which two heterozygous alleles of a gene can be a compound heterozygous pair."""
    fasta: str | None = None
    """Reference FASTA with its `.fai`; when set, REF is checked and indels are left-aligned."""
    gnomade_af_names: Names = GNOMADE_AF_NAMES
    """CSQ fields and INFO keys for the column `gnomade_af` after gnomADe_AF, separated by commas; the first one with a
    value counts. Upper and lower case are alike."""
    gnomadg_af_names: Names = GNOMADG_AF_NAMES
    """The same for `gnomadg_af`, after gnomADg_AF."""
    max_af_names: Names = MAX_AF_NAMES
    """The same for `max_af`, after MAX_AF."""
    info_columns: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^\s;=,]+:(boolean|int|float|double|string)$")], ...],
        BeforeValidator(from_list),
    ] = ()
    """INFO keys that become columns of the variant table, separated by commas: `CADD:float,CLNSIG:string` makes
    `info_cadd` and `info_clnsig`. The types are boolean, int, float, double and string."""
    info_map: bool = True
    """Store INFO keys without a column in the variant table's map `info`."""
    info_without: Names = ()
    """INFO keys to leave out of that map, separated by commas."""
    chunk_mib: int = Field(default=8, ge=1, le=1024)
    """Text that a process reads at once: faster up to about 16; memory is about ten times the value."""
    processes: int | None = Field(default=None, ge=1)
    """Maximum number of processes that read one file; when unset the container's cores."""


class ProgressGroup(BaseModel):
    """How often a running import reports how far it is."""

    model_config = GROUP

    every_s: float = Field(default=5, ge=0, le=3600)
    """Seconds between two lines of its log; 0 for no lines and no `progress.json`."""
    store_s: float = Field(default=20, ge=1, le=3600)
    """Seconds between two writings of its `progress.json` to an object store, each of which is a billed request; local
    files are written with each line."""

    def pause_between_documents(self, *, local: bool) -> float:
        """Return the seconds between two writings of `progress.json`."""
        return self.every_s if local else max(self.every_s, self.store_s)
