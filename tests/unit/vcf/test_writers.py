"""Files as widespread writers make them: read in bulk, with the right values.

Headers are shortened to what differs between writers; lines have the fields that the writers write.
"""

import pytest

from equivalence import Outcome, compare
from radiant.domain.case import Affected, Sex
from radiant.errors import VcfFormatError
from vcf_files import Read, member, other_warnings, record, text, write

_START = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##contig=<ID=chrX,length=156040895>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
_REPEATED = 40
"""Lines of a file: each writer's lines again and again, at other positions."""


def info(name: str, number: str, kind: str) -> str:
    return f'##INFO=<ID={name},Number={number},Type={kind},Description="d">\n'


def format_(name: str, number: str, kind: str, description: str = "d") -> str:
    return f'##FORMAT=<ID={name},Number={number},Type={kind},Description="{description}">\n'


def read_many(tmp_path, header: str, *records: str, samples=("S1",)) -> Outcome:
    """Read records many times over with both readers: none of them may be left to the rules."""
    many = []
    for number in range(_REPEATED):
        for place, one in enumerate(records):
            columns = one.split("\t")
            many.append("\t".join([columns[0], str(1000 * (number + 1) + place * 10), *columns[2:]]))
    path = write(tmp_path / "many.vcf", text(many, samples, _START + header))
    got = compare(path)
    assert got.lines == _REPEATED * len(records)
    assert got.alone == 0
    return got


def read(tmp_path, header: str, *records: str, samples=("S1",)) -> Read:
    """Read records once, and many times over with both readers: none of them may be left to the rules."""
    assert read_many(tmp_path, header, *records, samples=samples).error is None
    return Read(write(tmp_path / "once.vcf", text(records, samples, _START + header)))


READS = ("ad_ref", "ad_alt", "ad_total", "ad_ratio")


def values(row: dict, *names: str) -> tuple:
    return tuple(row[name] for name in names)


# --- Writers ----------------------------------------------------------------------------------------------------------


def test_varscan_counts_reads_of_alt_alone(tmp_path):
    header = (
        info("ADP", "1", "Integer") + info("WT", "1", "Integer") + info("HET", "1", "Integer")
        + format_("GQ", "1", "Integer") + format_("SDP", "1", "Integer") + format_("DP", "1", "Integer")
        + format_("RD", "1", "Integer") + format_("AD", "1", "Integer", "Depth of variant-supporting bases (reads2)")
        + format_("FREQ", "1", "String") + format_("PVAL", "1", "String") + format_("RBQ", "1", "Integer")
        + format_("ABQ", "1", "Integer") + format_("RDF", "1", "Integer") + format_("RDR", "1", "Integer")
        + format_("ADF", "1", "Integer") + format_("ADR", "1", "Integer")
    )  # fmt: skip
    line = record(
        "0/1:48:42:40:25:15:37.5%:1.3E-5:37:36:12:13:8:7",
        qual=".",
        info="ADP=40;WT=0;HET=1;HOM=0;NC=0",
        format_="GT:GQ:SDP:DP:RD:AD:FREQ:PVAL:RBQ:ABQ:RDF:RDR:ADF:ADR",
    )
    got = read(tmp_path, header, line)
    (row,) = got.occurrence
    assert values(row, "gt", "dp", "gq", "zygosity", *READS) == ("0/1", 40, 48, "HET", None, None, None, None)
    assert got.quarantine == []
    assert any("FORMAT AD is declared with Number=1" in one for one in got.json["warnings"])


def test_rtgs_dpr_is_a_ratio_and_no_read_count(tmp_path):
    """RTG's DPR is the sample's depth by the expected one; older versions write no AD beside it."""
    header = format_("DP", "1", "Integer") + format_("DPR", "1", "Float") + format_("GQ", "1", "Integer")
    ratio = record("0/1:21:0.392:108", "0/1:29:0.639:216", format_="GT:DP:DPR:GQ")
    whole = record("0/1:21:1.000:108", "0/1:29:2:216", pos=2000, format_="GT:DP:DPR:GQ")
    with_reads = record("0/1:21:0.392:9,12", "0/1:29:0.639:11,18", pos=3000, format_="GT:DP:DPR:AD")
    got = read(tmp_path, header, ratio, whole, with_reads, samples=("S1", "S2"))
    assert [values(row, "dp", *READS[:3]) for row in got.occurrence] == [
        (21, None, None, None), (29, None, None, None), (21, None, None, None), (29, None, None, None),
        (21, 9, 12, 21), (29, 11, 18, 29),
    ]  # fmt: skip
    assert (got.quarantine, other_warnings(got.json)) == ([], [])


def test_samtools_dpr_counts_reads_of_each_allele(tmp_path):
    header = format_("DPR", "R", "Integer")
    got = read(tmp_path, header, record("0/1:9,12", format_="GT:DPR"))
    assert values(got.occurrence[0], *READS[:3]) == (9, 12, 21)


def test_wecall_has_a_mapping_quality_for_each_alt(tmp_path):
    """Of one ALT they are the line's; of two there is none of the line, which the columns show."""
    header = (
        info("PP", "A", "Integer") + info("DP", "1", "Integer") + info("MQ", "A", "Float") + info("QD", "A", "Float")
        + format_("DP", "1", "Integer") + format_("GQ", "1", "Integer") + format_("AD", ".", "Integer")
        + format_("PS", "1", "String") + format_("PQ", "1", "Integer") + format_("VAF", "A", "Float")
    )  # fmt: skip
    keys = "GT:AD:DP:GQ:PS:PQ:VAF"
    one = record("0|1:15,14:30:99:101:60:0.47", info="PP=500;DP=30;MQ=59.5;QD=35.7", format_=keys)
    two = record(
        "1|2:1,15,14:30:99:101:60:0.5,0.47",
        pos=2000,
        alt="G,T",
        info="PP=500,480;DP=30;MQ=59.5,60;QD=33,34",
        format_=keys,
    )
    got = read_many(tmp_path, header, one, two).tables["occurrence"].to_pylist()
    assert [values(row, "phase_set", "info_dp", "info_mq", "info_qd", *READS[:3]) for row in got[:3]] == [
        ("101", 30, 59.5, pytest.approx(35.7), 15, 14, 29), ("101", 30, None, None, 1, 15, 30),
        ("101", 30, None, None, 1, 14, 30),
    ]  # fmt: skip


def test_varlociraptor_has_a_depth_for_each_alt(tmp_path):
    """Of one ALT it is the depth; of two there are two, and which is the sample's is not certain."""
    header = info("END", "A", "Integer") + format_("DP", "A", "Integer") + format_("AF", "A", "Float")
    one = record("0/1:31:0.5", qual=".", filter_=".", info="END=1000", format_="GT:DP:AF")
    two = record(
        "1/2:31,30:0.5,0.5", pos=2000, alt="G,T", qual=".", filter_=".", info="END=2000,2001", format_="GT:DP:AF"
    )
    got = read(tmp_path, header, one, two)
    assert [row["dp"] for row in got.occurrence] == [31, None, None]
    assert [row["info"] for row in got.variant] == [[("END", "1000")], [("END", "2000,2001")], [("END", "2000,2001")]]
    assert [row["rule"] for row in got.quarantine] == ["format_count"]


def test_freebayes(tmp_path):
    header = (
        info("NS", ".", "Integer") + info("DP", ".", "Integer") + info("AN", ".", "Integer")
        + info("AC", "A", "Integer") + info("AF", "A", "Float") + info("RO", "1", "Integer")
        + info("AO", "A", "Integer") + info("TYPE", "A", "String") + info("CIGAR", "A", "String")
        + info("ODDS", "1", "Float") + format_("GQ", "1", "Float") + format_("GL", "G", "Float")
        + format_("DP", "1", "Integer")
        + format_("AD", "R", "Integer") + format_("RO", "1", "Integer") + format_("QR", "1", "Integer")
        + format_("AO", "A", "Integer") + format_("QA", "A", "Integer")
    )  # fmt: skip
    line = record(
        "0/1:30:18,12:18:650:12:430:-32.1,0,-51.9",
        qual="283.45",
        filter_=".",
        info="AC=1;AF=0.5;AN=2;AO=12;CIGAR=1X;DP=30;NS=1;ODDS=65.3;RO=18;TYPE=snp",
        format_="GT:DP:AD:RO:QR:AO:QA:GL",
    )
    several = record(
        "1/2:31:2,15,14:2:70:15,14:500,470:-80,-40.5,-36,-39,0,-35.2",
        pos=2000,
        ref="CAA",
        alt="CA,C",
        info="AC=1,1;AF=0.5,0.5;AN=2;AO=15,14;CIGAR=1M1D1M,1M2D;DP=31;NS=1;ODDS=5e-05;RO=2;TYPE=del,del",
        format_="GT:DP:AD:RO:QR:AO:QA:GL",
    )
    got = read(tmp_path, header, line, several)
    assert [values(row, "info_an", "info_dp", *READS[:3]) for row in got.occurrence] == [
        (2, 30, 18, 12, 30), (2, 31, 2, 15, 31), (2, 31, 2, 14, 31)
    ]  # fmt: skip
    assert got.quarantine == []


def test_whole_likelihoods_of_complete_genomics_and_allele_counts_of_longshot(tmp_path):
    header = format_("GL", ".", "Integer") + info("AC", "R", "Integer")
    got = read(tmp_path, header, record("0/1:-30,0,-40", format_="GT:GL"))
    assert got.quarantine == []
    got = read(tmp_path, header, record("0/1", info="AC=7,9"))
    assert [row["info_ac"] for row in got.occurrence] == [None]
    assert [row["rule"] for row in got.quarantine] == ["info_count"]


def test_platypus(tmp_path):
    header = (
        info("MQ", ".", "Float") + info("FR", ".", "Float") + info("END", ".", "Integer") + info("TC", "1", "Integer")
        + info("QD", "1", "Float") + info("HP", ".", "Integer") + info("SC", ".", "String")
        + format_("GL", ".", "Float") + format_("GQ", ".", "Integer") + format_("GOF", ".", "Float")
        + format_("NR", ".", "Integer") + format_("NV", ".", "Integer")
    )  # fmt: skip
    line = record("0/1:-44.8,0.0,-178.6:2.5:99:48:20", info="MQ=59.7;FR=0.5;TC=48;QD=20.1;HP=2;SC=ACGTA",
                  format_="GT:GL:GOF:GQ:NR:NV")  # fmt: skip
    several = record("1/2:-1,-1,-1:3.0:99:40,40:18,21", pos=2000, alt="G,T", info="MQ=60;FR=0.5,0.5;TC=40;QD=22",
                     format_="GT:GL:GOF:GQ:NR:NV")  # fmt: skip
    got = read(tmp_path, header, line, several)
    assert [values(row, "gq", "info_qd") for row in got.occurrence] == [
        (99, pytest.approx(20.1)), (99, 22.0), (99, 22.0)
    ]  # fmt: skip
    assert got.occurrence[0]["info_mq"] == pytest.approx(59.7)
    assert got.quarantine == []


def test_several_values_of_gq_are_null_and_quarantined(tmp_path):
    got = read(tmp_path, format_("GQ", ".", "Integer") + format_("DP", ".", "Integer"),
               record("1/2:99,98:7", alt="G,T", format_="GT:GQ:DP"))  # fmt: skip
    assert [values(row, "gq", "dp") for row in got.occurrence] == [(None, 7), (None, 7)]
    assert [row["rule"] for row in got.quarantine] == ["format_count"]


def test_minimac4_with_three_genotype_probabilities(tmp_path):
    header = (
        info("AF", "1", "Float") + info("MAF", "1", "Float") + info("AVG_CS", "1", "Float") + info("R2", "1", "Float")
        + info("AC", "1", "Integer") + info("IMPUTED", "0", "Flag")
        + format_("DS", "1", "Float") + format_("HDS", ".", "Float") + format_("GP", "3", "Float")
    )  # fmt: skip
    line = record("0|1:0.98:0.01,0.97:0.02,0.97,0.01", info="AF=0.00025;MAF=0.00025;AVG_CS=0.999;R2=0.8;AC=1;IMPUTED",
                  format_="GT:DS:HDS:GP")  # fmt: skip
    haploid = record("1:0.98:0.98:0.02,0.98", pos=2000, info="AF=0.5;IMPUTED", format_="GT:DS:HDS:GP")
    got = read(tmp_path, header, line, haploid)
    assert values(got.occurrence[0], "info_af", "info_ac", "phased") == (pytest.approx(0.00025), 1, True)
    assert got.quarantine == []


def test_one_frequency_for_several_alts_is_null_and_quarantined(tmp_path):
    got = read(tmp_path, info("AF", "1", "Float"), record("1/2", alt="G,T", info="AF=0.5"))
    assert [row["info_af"] for row in got.occurrence] == [None, None]
    assert [row["rule"] for row in got.quarantine] == ["info_count"]


def test_complete_genomics_counts_reads_of_the_called_alleles(tmp_path):
    header = (
        info("NS", "1", "Integer") + format_("HQ", "2", "Integer") + format_("GL", ".", "Float")
        + format_("AD", "2", "Integer", "Allelic depths (number of reads in each observed allele)")
        + format_("DP", "1", "Integer") + format_("CGA_RDP", "1", "Integer") + format_("GQ", "1", "Integer")
    )  # fmt: skip
    line = record("1/0:249:366,249:-366,0,-249:32:18,14:14", qual=".", info="NS=1", format_="GT:GQ:HQ:GL:DP:AD:CGA_RDP")
    hom = record("1/1:64:64,136:-136,-64,0:3:3,3:0", pos=2000, info="NS=1", format_="GT:GQ:HQ:GL:DP:AD:CGA_RDP")
    got = read(tmp_path, header, line, hom)
    assert [values(row, "calls", "dp", *READS) for row in got.occurrence] == [
        ([1, 0], 32, None, None, None, None), ([1, 1], 3, None, None, None, None)
    ]  # fmt: skip
    assert got.quarantine == []
    assert any("FORMAT AD is declared with Number=2" in one for one in got.json["warnings"])


def test_two_read_counts_are_those_of_ref_and_alt_where_the_description_says_so(tmp_path):
    header = format_("AD", "2", "Integer", "Allele depths of ref and alt alleles in that order")
    got = read(tmp_path, header, record("0/1:5,6", format_="GT:AD"))
    assert values(got.occurrence[0], *READS[:3]) == (5, 6, 11)
    assert other_warnings(got.json) == []
    got = Read(write(tmp_path / "a.vcf", text([record("1/2:5,6", alt="G,T", format_="GT:AD")], header=_START + header)))
    assert [values(row, *READS[:3]) for row in got.occurrence] == [(None, None, None)] * 2
    assert [row["rule"] for row in got.quarantine] == ["format_count"]


@pytest.mark.parametrize("number", ["1", "2"])
@pytest.mark.parametrize(
    ("description", "read"),
    [
        ("Allelic depths for the ref and alt alleles in the order listed", True),
        ("ref,alt allele counts in tier 1", True),
        ("Allelic depths (REF,ALT)", True),
        ("Reference and ALT reads", True),
        ("Allelic depths (ALT,REF)", False),
        ("Variant forward, reverse reads", False),
        ("ref and alt reads on the forward strand", False),
        ("Allele depth, how many reads support this allele", False),
        ("Preferred depth of the alternate", False),
        ("Depth of variant-supporting bases (reads2)", False),
    ],
)
def test_one_or_two_read_counts_are_read_where_the_description_names_ref_before_alt(
    tmp_path, number, description, read
):
    header = _START + format_("AD", number, "Integer", description)
    got = Read(write(tmp_path / "a.vcf", text([record("0/1:5,6", format_="GT:AD")], header=header)))
    assert values(got.occurrence[0], *READS[:3]) == ((5, 6, 11) if read else (None, None, None))
    assert got.quarantine == []
    assert any("FORMAT AD is declared" in one for one in got.json["warnings"]) is not read


def test_vcf2maf_declares_read_counts_with_a_number_that_they_never_have(tmp_path):
    line = record("0/1:10,9:19", format_="GT:AD:DP")
    several = record("1/2:1,5,6:12", pos=2000, alt="G,T", format_="GT:AD:DP")
    of_genotypes = record("0/1:1,5,6:12", pos=3000, format_="GT:AD:DP")
    header = format_("AD", "G", "Integer", "Allelic Depths of REF and ALT(s) in the order listed")
    got = read(tmp_path, header + format_("DP", "1", "Integer"), line, several, of_genotypes)
    counts = [values(row, "ad_ref", "ad_alt") for row in got.occurrence]
    assert counts == [(10, 9), (1, 5), (1, 6), (None, None)]
    assert [row["rule"] for row in got.quarantine] == ["format_count"]


def test_vardict_and_gnomad_declare_reserved_keys_in_their_own_way(tmp_path):
    header = info("AN", "A", "Integer") + format_("MQ", "1", "Float", "Mean Mapping Quality")
    line = record("0/1:60.5", info="AN=2", format_="GT:MQ")
    several = record("1/2:60", pos=2000, alt="G,T", info="AN=2,2", format_="GT:MQ")
    got = read(tmp_path, header, line, several)
    assert [row["info_an"] for row in got.occurrence] == [2, None, None]
    assert [row["rule"] for row in got.quarantine] == ["info_count"]


@pytest.mark.parametrize(
    "line",
    [
        info("AA", "A", "String"),  # Strelka
        info("CIGAR", "1", "String"),  # GRIDSS
        format_("PL", "3", "Float"),  # GATK 1
        format_("PL", "1", "Integer"),  # SAMtools 0.1
        format_("GL", "A", "Float"),  # Platypus, decomposed
        '##ALT=<ID=<M>,Description="There is no alternative allele">\n',  # Pisces
    ],
)
def test_a_declaration_of_a_key_without_a_column_costs_nothing(tmp_path, line):
    got = read(tmp_path, line, record("0/1:9,0,9:-1,0,-2", info="AA=G", format_="GT:PL:GL"))
    assert len(got.occurrence) == 1
    assert got.quarantine == []


def test_gatk_3_phasing_and_no_likelihood_names(tmp_path):
    header = (
        format_("PQ", "1", "Float") + format_("GLE", "1", "String") + format_("AD", ".", "Integer")
        + format_("FT", ".", "String") + format_("PL", "3", "Integer")
    )  # fmt: skip
    got = read(tmp_path, header, record("0|1:12.5:x:4,5:PASS:10,0,20", format_="GT:PQ:GLE:AD:FT:PL"))
    assert values(got.occurrence[0], *READS[:3]) == (4, 5, 9)
    assert got.quarantine == []


def test_strelka_germline_with_phase_sets_under_two_formats(tmp_path):
    header = (
        info("SNVHPOL", "1", "Integer") + info("MQ", "1", "Integer") + info("CIGAR", "A", "String")
        + info("RU", "A", "String") + info("REFREP", "A", "Integer") + info("SNVSB", "1", "Float")
        + format_("GQ", "1", "Integer") + format_("GQX", "1", "Integer") + format_("DP", "1", "Integer")
        + format_("DPF", "1", "Integer") + format_("DPI", "1", "Integer") + format_("AD", ".", "Integer")
        + format_("ADF", ".", "Integer") + format_("ADR", ".", "Integer") + format_("SB", "1", "Float")
        + format_("FT", "1", "String") + format_("PL", "G", "Integer") + format_("PS", "1", "Integer")
    )  # fmt: skip
    snv = record("0|1:52:20:30:2:17,13:9,6:8,7:-12.4:PASS:87,0,50:1000", info="SNVHPOL=3;MQ=60;SNVSB=-12.4",
                 format_="GT:GQ:GQX:DP:DPF:AD:ADF:ADR:SB:FT:PL:PS")  # fmt: skip
    indel = record("0|1:90:30:25:12,11:6,5:6,6:PASS:120,0,130:1000", pos=2000, ref="CA", alt="C",
                   info="CIGAR=1M1D;RU=A;REFREP=5;MQ=59", format_="GT:GQ:GQX:DPI:AD:ADF:ADR:FT:PL:PS")  # fmt: skip
    got = read(tmp_path, header, snv, indel)
    assert [values(row, "phase_set", *READS[:3]) for row in got.occurrence] == [
        ("1000", 17, 13, 30), ("1000", 12, 11, 23)
    ]  # fmt: skip


def test_strelka_somatic_has_no_genotypes_and_is_refused(tmp_path):
    header = (
        info("SOMATIC", "0", "Flag") + info("QSS", "1", "Integer") + info("SGT", "1", "String")
        + format_("DP", "1", "Integer") + "".join(format_(f"{base}U", "2", "Integer") for base in "ACGT")
    )  # fmt: skip
    columns = record("30:30,31:0,0:0,0:0,0", "40:30,30:0,0:10,10:0,0", info="SOMATIC;QSS=50;SGT=AA->AG",
                     format_="DP:AU:CU:GU:TU")  # fmt: skip
    got = read_many(tmp_path, header, columns, samples=("NORMAL", "TUMOR"))
    assert (
        f"many.vcf: no member of the case has a called GT on any of the {_REPEATED} lines that were read" in got.error
    )
    assert "A somatic caller writes no GT" in got.error
    assert "use the file of a germline caller" in got.error
    assert {name: table.num_rows for name, table in got.tables.items() if table.num_rows} == {}
    # Beside a line with a call, such a line is kept, and no member carries its allele.
    mixed = read(tmp_path, header, columns, record("0/0", "0/1", pos=2000), samples=("NORMAL", "TUMOR"))
    assert [values(row, "sample", "source_pos") for row in mixed.occurrence] == [("TUMOR", 2000)]
    assert mixed.json["alleles"] == {"carried": 1, "not_carried": 1}
    assert mixed.quarantine == []


def test_glnexus_joint_calls(tmp_path):
    header = (
        info("AF", "A", "Float") + info("AQ", "A", "Integer") + format_("DP", "1", "Integer")
        + format_("AD", "R", "Integer") + format_("GQ", "1", "Integer") + format_("PL", "G", "Integer")
        + format_("RNC", "2", "Character")
    )  # fmt: skip
    line = record("0/1:30:14,16:48:48,0,60:..", "./.:.:.:.:.:II", filter_=".", info="AF=0.5;AQ=48",
                  format_="GT:DP:AD:GQ:PL:RNC")  # fmt: skip
    got = read(tmp_path, header, line, samples=("S1", "S2"))
    assert values(got.occurrence[0], "dp", *READS[:3]) == (30, 14, 16, 30)
    assert got.quarantine == []


def test_deepvariant(tmp_path):
    header = (
        info("END", "1", "Integer") + format_("GQ", "1", "Integer") + format_("DP", "1", "Integer")
        + format_("MIN_DP", "1", "Integer") + format_("AD", "R", "Integer") + format_("VAF", "A", "Float")
        + format_("PL", "G", "Integer") + format_("MED_DP", "1", "Integer")
    )  # fmt: skip
    call = record("0/1:33:32:17,15:0.46875:33,0,45", qual="33.4", format_="GT:GQ:DP:AD:VAF:PL")
    no_call = record(
        "./.:5:3:1,2:0.666667:5,3,0", pos=2000, qual="3.1", filter_="RefCall", format_="GT:GQ:DP:AD:VAF:PL"
    )
    got = read(tmp_path, header, call, no_call)
    (row,) = got.occurrence
    assert values(row, "gq", *READS[:3]) == (33, 17, 15, 32)


def test_octopus_phase_names_and_characters_of_any_number(tmp_path):
    header = format_("PS", "1", "String") + format_("HSF", ".", "Character") + info("CH", ".", "Character")
    got = read(tmp_path, header, record("0|1:chr1_5:a,b", info="CH=x,y", format_="GT:PS:HSF"))
    assert got.occurrence[0]["phase_set"] == "chr1_5"


# --- Headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "##META=<ID=Assay,Type=String,Number=.,Values=[WholeGenome, Exome]>",
        '##INFO=<ID=END2,Type=Integer,Number=1,Description="x">',
        '##INFO=<Description="x, y=<z>",Number=1,ID=END2,Type=Integer>',
        '##FORMAT=<Type=Float,ID=AB,Description="x",Number=1>',
        '##FILTER=<Description="x",ID=q10>',
        '##ALT=<Description="x",ID=DEL>',
        "##contig=<length=156040895,ID=chrX>",
        "##SAMPLE=<Assay=Exome,ID=S1>",
        '##INFO=<ID=END2, Number=1, Type=Integer, Description="x">  ',
        "##SAMPLE=<ID=S1,softwareName=<muTect,Somatic>,softwareVer=<119,65>,File=a.bam>",
    ],
)
@pytest.mark.parametrize("minor", [1, 2, 3, 4, 5])
def test_fields_of_a_header_line_are_read_in_any_order(tmp_path, line, minor):
    header = f"##fileformat=VCFv4.{minor}\n" + "".join(_START.splitlines(keepends=True)[1:2]) + f"{line}\n"
    lines = [record("0/1:0.5", info="END2=7", filter_="q10", format_="GT:AB"), record(chrom="chrX")]
    got = compare(write(tmp_path / "a.vcf", text(lines, header=header)))
    assert got.error is None
    assert got.alone == 0
    assert got.tables["quarantine"].num_rows == 0


def test_a_declaration_in_another_order_is_the_same_declaration(tmp_path):
    header = _START + '##INFO=<Type=Integer,ID=END2,Description="x",Number=1>\n'
    got = Read(write(tmp_path / "a.vcf", text([record(info="END2=x")], header=header)))
    assert [row["rule"] for row in got.quarantine] == ["info_not_an_integer"]
    got = Read(write(tmp_path / "b.vcf", text([record(info="END2=5")], header=header)))
    assert (got.quarantine, other_warnings(got.json)) == ([], [])


@pytest.mark.parametrize("number", ["P", "LA", "LR", "LG", "M"])
def test_number_codes_of_later_versions_are_read_and_their_count_is_not_checked(tmp_path, number):
    got = read(tmp_path, format_("NEW", number, "Integer"), record("0/1:1,2,3,4,5", format_="GT:NEW"))
    assert got.quarantine == []
    got = read(tmp_path, format_("NEW", number, "Integer"), record("0/1:1,x", format_="GT:NEW"))
    assert [row["rule"] for row in got.quarantine] == ["format_not_an_integer"]


@pytest.mark.parametrize("number", ["B", "L", "LP", "AA", "-2", "--1", "r"])
def test_other_number_codes_are_still_refused(tmp_path, number):
    path = write(tmp_path / "a.vcf", text([record()], header=_START + format_("NEW", number, "Integer")))
    with pytest.raises(VcfFormatError, match="meta_number"):
        Read(path)


@pytest.mark.parametrize(
    "line",
    [info("DP", "1", "String"), info("AC", "A", "Float"), info("DB", "1", "Integer"), format_("GT", "G", "String"),
     format_("GT", "1", "Integer"), format_("AD", "A", "Float"), format_("AD", "3", "Integer"),
     format_("DP", "2", "Integer"), format_("PL", "2", "Integer"), info("AA", "-1", "String")],
)  # fmt: skip
def test_a_reserved_key_whose_values_cannot_be_read_is_still_refused(tmp_path, line):
    with pytest.raises(VcfFormatError, match="meta_reserved"):
        Read(write(tmp_path / "a.vcf", text([record()], header=_START + line)))


def test_a_genotype_that_is_declared_a_number_is_refused_with_what_to_do(tmp_path):
    path = write(tmp_path / "a.vcf", text([record("1")], header=_START.replace("Type=String", "Type=Integer")))
    with pytest.raises(VcfFormatError, match=r"a dosage, or an allele of a copy number call.*declare it as String"):
        Read(path)


def test_a_number_of_minus_one_is_one_that_is_not_known(tmp_path):
    header = (
        format_("PL", "-1", "Integer") + format_("AD", "-1", "Integer") + info("SVLEN", "-1", "Integer")
        + info("AF", "-1", "Float") + info("XX", "-1", "Integer")
    )  # fmt: skip
    line = record("0/1:4,5:90,0,80,1", info="AF=0.5;SVLEN=1,2;XX=1,2,3", format_="GT:AD:PL")
    several = record("1/2:1,5,6:7", pos=2000, alt="G,T", info="AF=0.5,0.25;XX=7", format_="GT:AD:PL")
    got = read(tmp_path, header, line, several)
    assert [values(row, "info_af", *READS[:2]) for row in got.occurrence] == [(0.5, 4, 5), (0.5, 1, 5), (0.25, 1, 6)]
    assert [row["info"] for row in got.variant] == [[("SVLEN", "1,2"), ("XX", "1,2,3")], [("XX", "7")], [("XX", "7")]]
    assert got.quarantine == []
    assert [row["rule"] for row in read(tmp_path, header, record(info="XX=x")).quarantine] == ["info_not_an_integer"]


def test_hap_py_declares_read_counts_of_ref_and_each_alt_as_those_of_alts(tmp_path):
    header = format_("AD", "A", "Integer", "Allele Depths")
    line = record("0/1:10,9", format_="GT:AD")
    several = record("1/2:1,5,6", pos=2000, alt="G,T", format_="GT:AD")
    got = read(tmp_path, header, line, several)
    assert [values(row, *READS[:3]) for row in got.occurrence] == [(10, 9, 19), (1, 5, 12), (1, 6, 12)]
    assert got.quarantine == []
    # As many as ALTs, as it is declared: none is taken for the reads of REF.
    got = read(
        tmp_path, header, record("0/1:9", format_="GT:AD"), record("1/2:5,6", pos=2000, alt="G,T", format_="GT:AD")
    )
    assert [values(row, *READS) for row in got.occurrence] == [(None,) * 4] * 3
    assert [row["rule"] for row in got.quarantine] == ["format_count"] * 2


def test_the_db_of_hgmd_is_a_text_and_no_flag(tmp_path):
    got = read(tmp_path, info("DB", "1", "String"), record(info="DB=rs12"), record(pos=2000, info="DB"))
    assert [row["info"] for row in got.variant] == [[("DB", "rs12")], [("DB", "true")]]
    assert got.quarantine == []


def test_molgenis_writes_gt_after_other_keys(tmp_path):
    header = format_("AB", "1", "Float") + format_("AD", "R", "Integer") + format_("DP", "1", "Integer")
    lines = [
        record("0.75:6,2:8:0/1", "0.9:7,0:7:0/0", format_="AB:AD:DP:GT"),
        record(".:0,9:9:1|1", ".", pos=2000, format_="AB:AD:DP:GT"),
        record("0.5:4,4:8:0/1", "0.5:4,4", pos=3000, format_="AB:AD:DP:GT"),
    ]
    got = read(tmp_path, header, *lines, samples=("S1", "S2"))
    assert [values(row, "sample", "gt", "zygosity", "dp", *READS[:2]) for row in got.occurrence] == [
        ("S1", "0/1", "UNK", 8, 6, 2), ("S1", "1|1", "HOM", 9, 0, 9), ("S1", "0/1", "HET", 8, 4, 4)
    ]  # fmt: skip
    assert got.quarantine == []
    refused = compare(
        write(tmp_path / "b.vcf", text([record("8:0/2", format_="DP:GT"), record(pos=2000)], header=_START)), tolerate=1
    )
    assert refused.tables["quarantine"]["rule"].to_pylist() == ["gt_allele_unknown"]


# --- Lines ------------------------------------------------------------------------------------------------------------


def test_a_format_of_a_dot_is_a_line_without_genotypes(tmp_path):
    line = record(".", qual=".", filter_=".", format_=".")
    assert "no member of the case has a called GT" in read_many(tmp_path, "", line).error
    got = read(tmp_path, "", line, record(pos=2000))
    assert got.json["lines"]["kept"] == 2
    assert got.json["alleles"] == {"carried": 1, "not_carried": 1}
    assert [row["source_pos"] for row in got.occurrence] == [2000]
    assert got.quarantine == []
    trio = (member("S1", father="S2", sex=Sex.MALE, affected=Affected.AFFECTED, is_proband=True), member("S2"))
    two = text([record(".", ".", format_="."), record("0/1", "0/0", pos=2000)], ("S1", "S2"), _START)
    compare(write(tmp_path / "family.vcf", two), trio)


def test_a_sample_with_fields_under_a_format_of_a_dot_is_rejected(tmp_path):
    path = write(tmp_path / "a.vcf", text([record("0/1", format_="."), record(pos=2000)], header=_START))
    got = compare(path, tolerate=1)
    assert got.tables["quarantine"]["rule"].to_pylist() == ["sample_fields"]


_AF = (
    format_("AD", "R", "Integer")
    + format_("AF", "A", "Float")
    + format_("DP", "1", "Integer")
    + format_("Z", "1", "String")
)


@pytest.mark.parametrize("key", ["AF", "Z"])
def test_an_empty_field_that_no_column_shows_costs_itself_and_not_the_line(tmp_path, key):
    got = read(tmp_path, _AF, record("./.:.::.", "0/1:3,4::7", format_=f"GT:AD:{key}:DP"), samples=("S1", "S2"))
    assert [values(row, "sample", "dp", *READS[:3]) for row in got.occurrence] == [("S2", 7, 3, 4, 7)]
    assert [values(row, "rule", "record_kept") for row in got.quarantine] == [("format_empty", True)] * 2


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("0/1::0.5:7", (7, None, None, None)),
        ("0/1:3,4:0.5:", (None, 3, 4, 7)),
        ("0/1:::", (None, None, None, None)),
    ],
)
def test_an_empty_field_beside_the_genotype_is_missing(tmp_path, sample, expected):
    """granite of the CGAP pipelines fills up the fields of a sample without a call so: `./.:::::22,0,17,0`."""
    lines = [record("0/1:3,4:0.5:7", "./.:::"), record(sample, "./.", pos=2000)]
    lines = [line.replace("\tGT\t", "\tGT:AD:AF:DP\t") for line in lines]
    got = read(tmp_path, _AF, *lines, samples=("S1", "S2"))
    assert [values(row, "sample", "dp", *READS[:3]) for row in got.occurrence] == [
        ("S1", 7, 3, 4, 7),
        ("S1", *expected),
    ]
    assert {(row["rule"], row["record_kept"]) for row in got.quarantine} == {("format_empty", True)}


def test_an_empty_genotype_rejects_the_line(tmp_path):
    lines = [record(":3,4:0.5:7", format_="GT:AD:AF:DP"), record(pos=2000)]
    got = compare(write(tmp_path / "a.vcf", text(lines, header=_START + _AF)), tolerate=1)
    assert got.tables["quarantine"]["rule"].to_pylist() == ["sample_empty"]


@pytest.mark.parametrize("name", ["HLA-A*01:01:01:01", "chrUn:7", "a*b", "x=y", "HLA-DRB1*16:02:01"])
def test_records_on_contigs_with_colons_and_stars_are_skipped_by_name(tmp_path, name):
    got = read(tmp_path, "", record())
    path = write(tmp_path / "a.vcf", text([record(), record(chrom=name, pos=5)], header=_START))
    got = compare(path)
    assert (got.alone, got.report["other_contigs"]) == (0, {name: 1})


@pytest.mark.parametrize("name", ["*HLA", "=x", "a b", "a,b", "a<b", "a(b", "a\\b", 'a"b', "a[1]", "{a}", ""])
def test_what_no_contig_is_called_is_still_rejected(tmp_path, name):
    path = write(tmp_path / "a.vcf", text([record(), record(chrom=name, pos=5)], header=_START))
    got = compare(path, tolerate=1)
    assert got.tables["quarantine"]["rule"].to_pylist() == ["contig_name"]


@pytest.mark.parametrize(
    ("alt", "gt", "lines", "rows"),
    [
        ("<DUP>,<DUP>", "0/1", {"skipped": 1}, 0),
        ("<DEL>,G,<DEL>", "0/2", {"kept": 1}, 1),
        ("<CN0>,<CN0>", "1/2", {"skipped": 1}, 0),
    ],
)
def test_a_repeated_symbolic_alt_has_no_row_and_is_no_fault(tmp_path, alt, gt, lines, rows):
    path = write(tmp_path / "a.vcf", text([record(gt, alt=alt)], header=_START))
    got = compare(path)
    assert got.error is None
    assert {name: got.report["lines"][name] for name in lines} == lines
    assert got.tables["occurrence"].num_rows == rows


@pytest.mark.parametrize("alt", ["G,G", "*,*", "G,g"])
def test_another_repeated_alt_is_still_rejected(tmp_path, alt):
    with pytest.raises(VcfFormatError, match="allele_duplicated"):
        Read(write(tmp_path / "a.vcf", text([record(alt=alt)], header=_START)))


@pytest.mark.parametrize("packing", [".vcf", ".vcf.gz", ".vcf.bgz"])
@pytest.mark.parametrize("end", ["\n", "\n\n\n", "\r\n", "\r\n\r\n"])
def test_empty_lines_at_the_end_are_no_records(tmp_path, packing, end):
    content = text([record(pos=pos) for pos in range(1, 5)], header=_START) + end
    got = compare(write(tmp_path / f"a{packing}", content))
    assert (got.error, got.lines, got.alone) == (None, 4, 0)
    assert "the file ends with empty lines; they are no records and were ignored" in got.report["warnings"]


@pytest.mark.parametrize("packing", [".vcf", ".vcf.bgz"])
def test_empty_lines_before_a_record_are_rejected_each_with_its_number(tmp_path, packing):
    content = text([record(pos=1), "", "", record(pos=2), "", record(pos=3), "", ""], header=_START)
    path = write(tmp_path / f"a{packing}", content)
    first = _START.count("\n") + 2
    for chunk_bytes in (1, 3, 40, 90, 8 << 20):
        got = compare(path, tolerate=5, chunk_bytes=chunk_bytes)
        assert got.tables["quarantine"]["line"].to_pylist() == [first + 1, first + 2, first + 4]
        assert got.lines == 6
