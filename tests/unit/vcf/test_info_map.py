"""Frequencies under other names, chosen INFO columns, and the map of the rest; by both readers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equivalence import compare
from radiant.domain.columns import Type, chosen_columns
from radiant.domain.tables import VARIANT, with_chosen_columns
from radiant.errors import ConfigError
from radiant.jobs.codec import decode, encode
from radiant.settings import Vcf, load_settings
from radiant.vcf import InfoOptions
from real_families import CLINICAL
from vcf_files import HEADER, record, text, write

_KEYS = """##INFO=<ID=DB,Number=0,Type=Flag,Description="In dbSNP">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="ClinVar">
##INFO=<ID=SCORE,Number=A,Type=Float,Description="One per ALT">
##INFO=<ID=DEPTHS,Number=R,Type=Integer,Description="One per allele">
##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="Exomes">
##INFO=<ID=EXACAF,Number=A,Type=Float,Description="Exomes, older">
##INFO=<ID=1000GAF,Number=1,Type=Float,Description="Genomes">
##INFO=<ID=AF_popmax,Number=A,Type=Float,Description="Highest">
##INFO=<ID=GERP++,Number=1,Type=String,Description="Conservation">
"""
_CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: {}">\n'
FORMAT = "Allele|Consequence|gnomADe_AF|ExAC_AF|gnomAD_AF|gnomADg|gnomADe_AF_popmax|PICK"


def read(tmp_path, *lines: str, csq: str | None = None, **vcf: object):
    """Read lines with both readers and return the tables' rows and the report."""
    header = HEADER + _KEYS + ("" if csq is None else _CSQ.format(csq))
    options = InfoOptions.of(Vcf(**vcf))
    got = compare(write(tmp_path / "a.vcf", text(lines, header=header)), info=options)
    assert got.error is None
    return {name: table.to_pylist() for name, table in got.tables.items()}, got


def frequencies(row: dict) -> tuple:
    return row["gnomade_af"], row["gnomadg_af"], row["max_af"]


# --- Frequencies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "rest"),
    [
        ("0.1|0.2|0.3|0.4|0.5|", (0.1, 0.4, 0.5), {"ExAC_AF": "0.2", "gnomAD_AF": "0.3"}),  # the exact name first
        ("|0.2|0.3|0.4||", (0.3, 0.4, None), {"ExAC_AF": "0.2"}),  # then the table's order, not the header's
        (".|0.2|.|||", (0.2, None, None), {}),
        ("|0.2|0.1&0.2|rs5||", (0.2, None, None), {"gnomAD_AF": "0.1&0.2", "gnomADg": "rs5"}),
        ("||1.5|12||", (None, None, None), {"gnomAD_AF": "1.5", "gnomADg": "12"}),  # no frequency is above 1
        ("0.1&0.2|||||1", (None, None, None), {"gnomADe_AF": "0.1&0.2", "PICK": "1"}),
        ("||0.00000e+00|1.5e-05||", (0.0, 1.5e-05, None), {}),
        ("|||||", (None, None, None), {}),
    ],
)
def test_consequence_fields_of_other_names(tmp_path, fields, expected, rest):
    rows, _ = read(tmp_path, record(info=f"CSQ=G|missense_variant|{fields}"), csq=FORMAT)
    for table in ("variant", "consequence"):
        assert frequencies(rows[table][0]) == expected
    assert dict(rows["consequence"][0]["extra"]) == rest


def test_an_info_key_fills_both_tables_and_is_not_in_the_map(tmp_path):
    info = "gnomAD_AF=0.1;EXACAF=0.2;1000GAF=0.3;AF_popmax=0.4;CSQ=G|a|||||,G|b|||||"
    rows, got = read(tmp_path, record(info=info), csq="Allele|Consequence|SYMBOL|Gene|Feature|PICK|X")
    assert frequencies(rows["variant"][0]) == (0.1, 0.3, 0.4)
    assert [frequencies(row) for row in rows["consequence"]] == [(0.1, 0.3, 0.4)] * 2
    assert rows["variant"][0]["info"] == [("EXACAF", "0.2")]  # not used: the first name has a value
    assert got.report["frequencies"] == {
        "max_af": {"rows": 1, "sources": ["INFO AF_popmax"]},
        "gnomade_af": {"rows": 1, "sources": ["INFO gnomAD_AF", "INFO EXACAF"]},
        "gnomadg_af": {"rows": 1, "sources": ["INFO 1000GAF"]},
    }


def test_the_annotation_counts_before_info_entry_by_entry(tmp_path):
    info = "gnomAD_AF=0.9;CSQ=G|a|0.1,G|b|"
    rows, got = read(tmp_path, record(info=info), csq="Allele|Consequence|gnomADe_AF")
    assert rows["variant"][0]["gnomade_af"] == 0.1
    assert [row["gnomade_af"] for row in rows["consequence"]] == [0.1, 0.9]
    assert rows["variant"][0]["info"] == [("gnomAD_AF", "0.9")]  # the row does not show it
    assert got.report["frequencies"]["gnomade_af"]["sources"] == ["CSQ gnomADe_AF", "INFO gnomAD_AF", "INFO EXACAF"]


def test_each_allele_gets_its_own_and_one_value_of_two_alleles_is_nobodys(tmp_path):
    line = record("1/2", alt="G,T", info="gnomAD_AF=0.1,.;EXACAF=0.2,0.3;1000GAF=0.4;AF_popmax=0.5,0.6,0.7")
    rows, _ = read(tmp_path, line)
    assert [frequencies(row) for row in rows["variant"]] == [(0.1, None, None), (0.3, None, None)]
    assert [dict(row["info"]) for row in rows["variant"]] == [
        {"EXACAF": "0.2", "1000GAF": "0.4", "AF_popmax": "0.5,0.6,0.7"},
        {"1000GAF": "0.4", "AF_popmax": "0.5,0.6,0.7"},
    ]


def test_names_are_a_setting_and_cases_are_alike(tmp_path):
    line = record(info="CADD=1;gnomAD_AF=0.1")
    rows, _ = read(tmp_path, line, gnomade_af_names=("cadd",), max_af_names=("GNOMAD_af",))
    assert frequencies(rows["variant"][0]) == (1.0, None, 0.1)
    assert rows["variant"][0]["info"] == []


def test_a_file_without_frequencies_says_so(tmp_path):
    _, got = read(tmp_path, record(info="CADD=7"))
    (warning,) = [one for one in got.report["warnings"] if one.startswith("no allele has a population frequency")]
    assert "INFO gnomAD_AF, INFO EXACAF" in warning
    assert "RADIANT_VCF__GNOMADE_AF_NAMES" in warning
    _, got = read(tmp_path, record(info="EXACAF=0"))
    assert not [one for one in got.report["warnings"] if "frequency" in one]


# --- The map ----------------------------------------------------------------------------------------------------------


def test_the_map_has_what_is_declared_and_no_column_shows(tmp_path):
    info = "AC=1;CLNSIG=a|b,c%3D;DB;AF=0.5;UNKNOWN=1;CADD=.;GERP++=;DP=3;CSQ=G|a"
    rows, _ = read(tmp_path, record(info=info), csq="Allele|Consequence")
    assert rows["variant"][0]["info"] == [("CLNSIG", "a|b,c%3D"), ("DB", "true")]


def test_values_per_allele_are_the_alleles_own(tmp_path):
    info = "SCORE=1.5,.;DEPTHS=10,20,30;CADD=9;CLNSIG=x,y"
    rows, _ = read(tmp_path, record("1/2", alt="G,T", info=info), record("0/1", pos=2000, info="SCORE=2;DEPTHS=4,5"))
    assert [row["info"] for row in rows["variant"]] == [
        [("SCORE", "1.5"), ("DEPTHS", "20"), ("CADD", "9"), ("CLNSIG", "x,y")],
        [("DEPTHS", "30"), ("CADD", "9"), ("CLNSIG", "x,y")],
        [("SCORE", "2"), ("DEPTHS", "5")],
    ]


def test_values_that_do_not_fit_the_alleles_are_kept_as_written(tmp_path):
    rows, got = read(tmp_path, record("1/2", alt="G,T", info="SCORE=1;CADD=2.5"))
    assert [row["info"] for row in rows["variant"]] == [[("SCORE", "1"), ("CADD", "2.5")]] * 2
    assert got.report["pieces"] == {"info_value_count": 1, "info_not_an_integer": 1}


def test_keys_can_be_left_out_and_the_map_can_be_off(tmp_path):
    line = record(info="CADD=9;CLNSIG=x;gnomAD_AF=0.1")
    rows, _ = read(tmp_path, line, info_without=("CADD",))
    assert rows["variant"][0]["info"] == [("CLNSIG", "x")]
    rows, _ = read(tmp_path, line, info_map=False, info_columns=("CADD:int",))
    (row,) = rows["variant"]
    assert (row["info"], row["info_cadd"], row["gnomade_af"]) == (None, 9, 0.1)


# --- Chosen columns ---------------------------------------------------------------------------------------------------


def test_chosen_keys_are_columns_and_what_they_cannot_hold_is_in_the_map(tmp_path):
    lines = [
        record(info="CADD=9;CLNSIG=x;DB;SCORE=1.25"),
        record(pos=2000, info="CADD=9.5;SCORE=nan"),
        record("1/2", pos=3000, alt="G,T", info="CADD=.;SCORE=inf,2e3;CLNSIG=y"),
        record(pos=4000, info="SCORE=1e999;CADD=12345678901;DB=0"),
        record(pos=5000),
    ]
    chosen = ("CADD:int", "CLNSIG:string", "DB:boolean", "SCORE:float", "GERP++:double")
    rows, got = read(tmp_path, *lines, info_columns=chosen)
    names = ("info_cadd", "info_clnsig", "info_db", "info_score", "info_gerp__", "info")
    assert [tuple(row[name] for name in names) for row in rows["variant"]] == [
        (9, "x", True, 1.25, None, []),
        (None, None, None, None, None, [("CADD", "9.5"), ("SCORE", "nan")]),
        (None, "y", None, float("inf"), None, []),
        (None, "y", None, 2000.0, None, []),
        (None, None, False, float("inf"), None, [("CADD", "12345678901")]),
        (None, None, None, None, None, []),
    ]
    types = {one.name: str(one.type) for one in got.tables["variant"].schema}
    assert [types[name] for name in names[:5]] == ["int32", "string", "bool", "float", "double"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("CADD",), "not KEY:type"),
        (("CADD:text",), "not KEY:type"),
        ((":int",), "not KEY:type"),
        (("CADD:int", "cadd:float"), "are both the column info_cadd"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(texts, words):
    with pytest.raises(ConfigError, match=words):
        chosen_columns(texts)


def test_an_annotation_is_no_column():
    with pytest.raises(ConfigError, match="consequence table"):
        InfoOptions.of(Vcf(info_columns=("CSQ:string",)))


def test_chosen_columns_stand_after_the_tables_own():
    found = with_chosen_columns(chosen_columns(["CADD:float"]))["variant"].columns
    assert found[:-1] == VARIANT.columns
    assert (found[-1].name, found[-1].type, found[-1].required) == ("info_cadd", Type.FLOAT, False)


def test_settings_from_the_environment_and_the_way_as_json():
    environment = {
        "RADIANT_VCF__INFO_COLUMNS": "CADD:float, CLNSIG:string",
        "RADIANT_VCF__INFO_WITHOUT": "culprit",
        "RADIANT_VCF__INFO_MAP": "true",
        "RADIANT_VCF__MAX_AF_NAMES": "OUR_MAX,MAX_AF",
    }
    options = InfoOptions.of(load_settings(environment).vcf)
    assert [one.name for one in options.chosen] == ["info_cadd", "info_clnsig"]
    assert dict(options.frequencies)["max_af"] == ("MAX_AF", "OUR_MAX")
    assert decode(InfoOptions, encode(options), where="here", what="options", remedy="") == options
    with pytest.raises(ConfigError, match="INFO_COLUMNS"):
        load_settings({"RADIANT_VCF__INFO_COLUMNS": "CADD:text"})


# --- Real files -------------------------------------------------------------------------------------------------------


def test_a_clinical_trio_has_its_frequencies_and_scores(corpus):
    """Its annotation has no frequency; INFO has EXACAF, 1000GAF and their maxima beside it."""
    options = InfoOptions.of(Vcf(info_columns=("CADD:double", "RankScore:string", "CLNSIG:string")))
    got = compare(corpus / "clinical-trio-vep.vcf.gz", CLINICAL, assembly="GRCh37", info=options)
    rows = got.tables["variant"].to_pylist()
    found = got.report["frequencies"]
    assert all(found[column]["rows"] > 0 for column in ("gnomade_af", "gnomadg_af", "max_af"))
    assert "INFO EXACAF" in found["gnomade_af"]["sources"]
    assert "INFO 1000GAF" in found["gnomadg_af"]["sources"]
    assert sum(row["info_cadd"] is not None for row in rows) > len(rows) // 4
    assert any(row["info_rankscore"] for row in rows)
    keys = {key for row in rows for key, _ in row["info"]}
    assert "ModelScore" in keys
    assert not keys & {"CSQ", "ANN", "AC", "DP", "CADD"}


# --- Random files -----------------------------------------------------------------------------------------------------

_value = st.sampled_from(
    ["0.1", "0", "1e-5", "1.5e+03", ".", "", "x", "0.1&0.2", "7", "-3", "1234567890", "nan", "inf"]
)
_values = st.lists(_value, min_size=1, max_size=4).map(",".join)
_field = st.one_of(
    st.tuples(
        st.sampled_from(["gnomAD_AF", "EXACAF", "1000GAF", "AF_popmax", "CADD", "CLNSIG", "SCORE", "DEPTHS", "ODD"]),
        _values,
    ).map("=".join),
    st.sampled_from(["DB", "DB=1", "DB=0", "CADD", "GERP++=a%3Db", "AC=1", "SCORE"]),
)
_entry = st.lists(_value.map(lambda one: one.replace(",", "")), min_size=6, max_size=6).map(
    lambda words: "|".join([*words[:5], "1"])
)


@st.composite
def _lines(draw: st.DrawFn) -> list[str]:
    lines = []
    for at in range(draw(st.integers(1, 8))):
        alts = draw(st.sampled_from(["G", "G", "G,T", "G,<DEL>", "G,T,*", "C,G,T"]))
        fields = draw(st.lists(_field, max_size=6))
        if draw(st.booleans()):
            entries = [
                f"{draw(st.sampled_from(alts.split(',')))}|v|{draw(_entry)}" for _ in range(draw(st.integers(1, 3)))
            ]
            fields.append("CSQ=" + ",".join(entries))
        gt = draw(st.sampled_from(["0/1", "1/1", "0/0", "1/2" if "," in alts else "0|1"]))
        lines.append(record(gt, pos=1000 + 10 * at, alt=alts, info=";".join(fields) or "."))
    return lines


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    _lines(),
    st.sampled_from(
        [(), ("CADD:float", "DB:boolean"), ("SCORE:double", "CLNSIG:string", "EXACAF:float", "DEPTHS:int")]
    ),
    st.booleans(),
    st.sampled_from([(), ("CLNSIG", "DB")]),
)
def test_both_readers_agree_on_random_info(tmp_path_factory, lines, chosen, has_map, without):
    options = InfoOptions.of(Vcf(info_columns=chosen, info_map=has_map, info_without=without))
    header = HEADER + _KEYS + _CSQ.format(FORMAT)
    path = write(tmp_path_factory.mktemp("r") / "a.vcf", text(lines, header=header))
    compare(path, tolerate=100, info=options)
    compare(path, tolerate=100, info=options, chunk_bytes=1)
