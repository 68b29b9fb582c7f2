"""Names of the reference assemblies, for the settings and for the sample sheet alike."""

from collections.abc import Mapping

ASSEMBLY_NAMES = ("GRCh38", "GRCh37")
"""In their own spelling, the newer one first."""

ASSEMBLY_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("grch38", "hg38", "b38", "build38", "38", "hs38", "hs38dh", "hs38d1"), "GRCh38"),
    **dict.fromkeys(("grch37", "hg19", "b37", "build37", "37", "hs37", "hs37d5", "g1k_v37", "human_g1k_v37"), "GRCh37"),
}
"""Assembly by the names that people and pipelines use for it, in lower case, without a patch (`.p13`).

UCSC's hg19 is GRCh37 with another mitochondrial sequence, which `Assembly.mitochondrial_lengths` allows.
"""


def assembly_name(value: str) -> str | None:
    """Return an assembly's own spelling: `GRCh37` for `hg19` or `GRCh37.p13`; None for a name that is not known."""
    return ASSEMBLY_ALIASES.get(value.lower().partition(".p")[0])
