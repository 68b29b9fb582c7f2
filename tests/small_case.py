"""A case with a handful of variants whose results can be checked by eye."""

import random_rows
from radiant import lake
from staging import commit

CASE = 42

SITES = [
    # chromosome, start, ref, alt, proband origin, mother carries, [(symbol, gene id, impact, picked), ...]
    ("1", 100, "A", "G", "denovo", False, [("ABC", "ENSG1", "MODERATE", True), ("XYZ", "ENSG2", "HIGH", False)]),
    ("1", 100, "A", "T", "mother", True, [("ABC", "ENSG1", "LOW", True)]),
    ("1", 5000, "ACGT", "A", "father", False, [("ABC", "ENSG1", "HIGH", True)]),
    ("10", 70, "C", "T", "mother", True, [("C9orf72", None, "LOW", False)]),
    ("2", 9, "G", "C", "both", True, [("TTN", "ENSG3", "MODIFIER", False), ("TTN", "ENSG3", "HIGH", False)]),
    ("X", 3_000_000, "T", "C", "denovo", False, [("DMD", None, "HIGH", True)]),
    ("M", 263, "A", "G", "mother", True, [("MT-ND1", "ENSG9", "MODIFIER", True)]),
]

SCORE = {"HIGH": 4, "MODERATE": 3, "LOW": 2, "MODIFIER": 1}


def locus(site) -> str:
    return "-".join(str(piece) for piece in site[:4])


def loci(sites) -> dict:
    return {
        "locus": [locus(one) for one in sites],
        "chromosome": [one[0] for one in sites],
        "start": [one[1] for one in sites],
        "end": [one[1] + len(one[2]) - 1 for one in sites],
        "reference": [one[2] for one in sites],
        "alternate": [one[3] for one in sites],
    }


def lines_of(sites) -> dict:
    """POS, REF and ALT of the lines: the two alleles at 1-100 are of one line."""
    return {
        "source_pos": [one[1] for one in sites],
        "source_ref": [one[2] for one in sites],
        "source_alt": ["G,T" if one[:2] == ("1", 100) else one[3] for one in sites],
    }


def entry_columns(entries) -> dict:
    return {
        "symbol": [entry and entry[0] for entry in entries],
        "gene_id": [entry and entry[1] for entry in entries],
        "impact": [entry and entry[2] for entry in entries],
        "impact_score": [entry and SCORE[entry[2]] for entry in entries],
        "consequences": [entry and [f"{entry[2].lower()}_variant"] for entry in entries],
        "hgvsc": [entry and f"ENST1:c.{at}" for at, entry in enumerate(entries)],
        "hgvsp": [entry and f"ENSP1:p.{at}" for at, entry in enumerate(entries)],
    }


def write(catalog, refs) -> None:
    """Stage and commit the case."""
    with lake.Stager(refs, 1, CASE, "small") as stager:
        people = [(one, who) for one in SITES for who in ("kid", "mum") if who == "kid" or one[5]]
        sites = [one for one, _ in people]
        stager.write(
            "occurrence",
            random_rows.batch(
                "occurrence",
                len(people),
                **loci(sites),
                **lines_of(sites),
                sample=[who for _, who in people],
                is_proband=[who == "kid" for _, who in people],
                parental_origin=[one[4] if who == "kid" else "unknown" for one, who in people],
                zygosity=["HET"] * len(people),
                transmission_mode=["autosomal_dominant"] * len(people),
                gq=[99] * len(people),
                filter=[["LowQual", "off-target"], *[["PASS"]] * (len(people) - 1)],
                dp=[None] + [30] * (len(people) - 1),
                ad_ref=[15] * len(people),
                ad_alt=[15] * len(people),
                mother_zygosity=["HET" if one[5] else None for one in sites],
                father_zygosity=["WT"] * len(people),
            ),
        )
        picked = [next((one for one in site[6] if one[3]), None) for site in SITES]
        rs = [[f"rs{at}", f"rs{at}0"] if at % 2 else None for at in range(len(SITES))]
        stager.write(
            "variant", random_rows.batch("variant", len(SITES), **loci(SITES), **entry_columns(picked), rsnumber=rs)
        )
        entries = [(site, entry) for site in SITES for entry in site[6]]
        stager.write(
            "consequence",
            random_rows.batch(
                "consequence",
                len(entries),
                **loci([site for site, _ in entries]),
                **entry_columns([entry for _, entry in entries]),
                picked=[entry[3] for _, entry in entries],
            ),
        )
        manifest = stager.finish()
    commit(catalog, [manifest], "small")
