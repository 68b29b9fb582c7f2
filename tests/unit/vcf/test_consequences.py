"""Entries of a record, the one that is picked, and rs numbers."""

import pytest

from radiant.vcf.findings import Rule
from radiant.vcf.rules.alleles import split_record
from radiant.vcf.rules.consequences import MOST_MALFORMED, ConsequenceFormat, parse, pick, rsnumbers
from radiant.vcf.rules.csq_fields import COLUMNS

NAMES = (
    *("Allele", "Consequence", "IMPACT", "SYMBOL", "HGVSp", "EXON", "SIFT", "CANONICAL", "MANE_SELECT", "PICK"),
    *("Existing_variation", "LoF_info"),
)
FORMAT = ConsequenceFormat.of("CSQ", NAMES)


def entry(allele="T", **fields):
    return "|".join(allele if name == "Allele" else fields.get(name, "") for name in FORMAT.names)


def parsed(*entries, ref="C", alts="T", format_=FORMAT):
    return parse(",".join(entries), split_record("1", 100, ref, alts.split(",")), format_)


class TestParse:
    def test_known_fields_are_typed_and_the_others_stay_in_extra(self):
        (found,) = parsed(
            entry(
                Consequence="missense_variant&splice_region_variant",
                IMPACT="MODERATE",
                SYMBOL="BRCA1",
                HGVSp="ENSP1:p.Ile42%3D",
                EXON="3-4/12",
                SIFT="deleterious(0.02)",
                CANONICAL="YES",
                Existing_variation="rs1&COSV2",
            )
        ).entries
        assert found.alt_index == 1
        assert {name: value for name, value in found.columns.items() if value is not None} == {
            "consequences": ["missense_variant", "splice_region_variant"],
            "impact": "MODERATE",
            "impact_score": 3,
            "symbol": "BRCA1",
            "hgvsp": "ENSP1:p.Ile42=",
            "exon_rank": 3,
            "exon_total": 12,
            "sift_prediction": "deleterious",
            "sift_score": 0.02,
            "canonical": True,
            "csq_allele": "T",
            "existing_variation": "rs1&COSV2",
        }
        assert found.extra == {"EXON": "3-4/12"}

    def test_every_column_is_there_and_empty_is_null(self):
        (found,) = parsed(entry(SYMBOL="", IMPACT=".")).entries
        assert tuple(found.columns) == COLUMNS
        assert set(found.columns.values()) == {None, False, "T"}
        assert found.columns["csq_allele"] == "T"
        assert found.columns["canonical"] is False  # declared, and not YES
        assert found.extra == {}

    def test_canonical_is_null_where_the_header_does_not_declare_it(self):
        (found,) = parsed("T|HIGH", format_=ConsequenceFormat.of("CSQ", ["Allele", "IMPACT"])).entries
        assert found.columns["canonical"] is None

    def test_codes_are_decoded_after_splitting(self):
        (found,) = parsed(entry(SYMBOL="a%7Cb%2Cc%26d%3B", Consequence="x%26y&z")).entries
        assert found.columns["symbol"] == "a|b,c&d;"
        assert found.columns["consequences"] == ["x&y", "z"]

    @pytest.mark.parametrize("value", [None, "", "."])
    def test_no_field_is_no_entry(self, value):
        result = parse(value, split_record("1", 1, "C", ["T"]), FORMAT)
        assert (result.entries, result.malformed, result.of_skipped) == ((), (), 0)

    def test_entries_go_to_their_alleles_in_the_files_order(self):
        result = parsed(entry("G", SYMBOL="a"), entry("T", SYMBOL="b"), entry("G", SYMBOL="c"), alts="T,G")
        assert [e.alt_index for e in result.entries] == [2, 1, 2]
        assert [e.columns["symbol"] for e in result.of(2)] == ["a", "c"]
        assert result.of(3) == ()

    def test_an_entry_of_an_alt_without_a_row_is_counted(self):
        result = parsed(entry("T"), entry("*"), entry("*"), alts="T,*")
        assert ([e.alt_index for e in result.entries], result.of_skipped, result.malformed) == ([1], 2, ())

    def test_an_entry_of_no_allele_of_the_record_is_set_aside(self):
        result = parsed(entry("T"), entry("G"))
        (piece,) = result.malformed
        assert (piece.rule, piece.text) == (Rule.ALLELE_UNKNOWN, entry("G"))
        assert "'G'" in piece.message
        assert len(result.entries) == 1

    def test_an_entry_without_a_name_is_assumed_to_be_about_the_only_alt(self):
        format_ = ConsequenceFormat.of("CSQ", ["Consequence", "SYMBOL"])
        assert parsed("a|B", "c|D", format_=format_).assumed == 2
        assert [piece.rule for piece in parsed("a|B", alts="T,G", format_=format_).malformed] == [Rule.ALLELE_UNKNOWN]


class TestMalformed:
    good = entry(SYMBOL="good")

    @pytest.mark.parametrize("broken", [entry() + "|", entry()[:-1], "T", "T|HIGH"])
    def test_a_wrong_number_of_fields_sets_the_entry_aside(self, broken):
        result = parsed(broken, self.good)
        assert [e.columns["symbol"] for e in result.entries] == ["good"]
        assert [(piece.rule, piece.text) for piece in result.malformed] == [(Rule.FIELD_COUNT, broken)]

    def test_an_entry_torn_by_commas_is_one_piece(self):
        torn = entry(HGVSp="a,b,c")
        result = parsed(self.good, torn, self.good)
        assert [(piece.rule, piece.text) for piece in result.malformed] == [(Rule.BARE_COMMA, torn)]
        assert [e.columns["symbol"] for e in result.entries] == ["good", "good"]

    def test_two_torn_entries_are_two_pieces(self):
        first, second = entry(SYMBOL="x,y"), entry(HGVSp="p,q")
        assert [piece.text for piece in parsed(first, second, self.good).malformed] == [first, second]

    def test_an_entry_torn_in_its_last_field_is_kept_without_it(self):
        torn = entry(SYMBOL="kept", LoF_info="INTRON_SIZE:10,PERCENTILE:0.5,GERP:1")
        result = parsed(torn, self.good)
        assert [e.columns["symbol"] for e in result.entries] == ["kept", "good"]
        assert "LoF_info" not in result.entries[0].extra
        assert [(piece.rule, piece.text) for piece in result.malformed] == [(Rule.BARE_COMMA, torn)]

    def test_pieces_that_do_not_make_an_entry_are_set_aside_one_by_one(self):
        result = parsed("T|x", "T|y", self.good)
        assert [piece.text for piece in result.malformed] == ["T|x", "T|y"]

    def test_nothing_but_garbage(self):
        result = parsed("a", "", "b")
        assert result.entries == ()
        assert [piece.text for piece in result.malformed] == ["a", "", "b"]

    def test_an_empty_entry_in_front_is_set_aside(self):
        assert [(piece.rule, piece.text) for piece in parsed("", self.good).malformed] == [(Rule.FIELD_COUNT, "")]

    @pytest.mark.parametrize("garbage", ["a", "|", "T|x"])
    def test_a_flood_of_garbage_is_bounded(self, garbage):
        flood = ",".join([garbage] * 200_000)
        result = parsed(flood, entry(SYMBOL="good"))
        assert len(result.malformed) == MOST_MALFORMED + 1
        assert ",".join(piece.text for piece in result.malformed) == flood
        assert "more malformed entries" in result.malformed[-1].message
        assert [e.columns["symbol"] for e in result.entries] == ["good"]


def entries(*fields):
    return parsed(*(entry(SYMBOL=str(i), **values) for i, values in enumerate(fields))).entries


class TestPick:
    @pytest.mark.parametrize(
        ("fields", "expected", "reason"),
        [
            ([{"IMPACT": "HIGH"}, {"MANE_SELECT": "NM_1"}, {"CANONICAL": "YES"}, {"PICK": "1"}], 3, "PICK"),
            ([{"IMPACT": "HIGH"}, {"MANE_SELECT": "NM_1"}, {"CANONICAL": "YES"}], 1, "MANE_SELECT"),
            ([{"IMPACT": "HIGH"}, {}, {"CANONICAL": "YES"}], 2, "CANONICAL"),
            ([{"IMPACT": "LOW"}, {"IMPACT": "HIGH"}, {"IMPACT": "HIGH"}], 1, "impact"),
            ([{}, {"PICK": "1", "CANONICAL": "YES", "MANE_SELECT": "NM_1", "IMPACT": "LOW"}], 1, "PICK"),
            ([{"IMPACT": "MODIFIER"}], 0, "impact"),
            ([{}, {}], 0, "first"),
            ([{"PICK": "0"}, {"PICK": "."}], 0, "first"),
        ],
    )
    def test_the_first_mark_that_any_entry_has_decides(self, fields, expected, reason):
        found, picked_by = pick(entries(*fields))
        assert found is not None
        assert (found.columns["symbol"], picked_by) == (str(expected), reason)

    def test_of_two_mane_transcripts_the_one_with_the_higher_impact_is_picked(self):
        """A stop gained in one gene, upstream of the next."""
        found, picked_by = pick(
            entries({"MANE_SELECT": "NM_1", "IMPACT": "MODIFIER"}, {"MANE_SELECT": "NM_2", "IMPACT": "HIGH"})
        )
        assert found is not None
        assert (found.columns["symbol"], picked_by) == ("1", "MANE_SELECT")

    def test_nothing_to_pick_from(self):
        assert pick(()) == (None, None)


@pytest.mark.parametrize(
    ("id_field", "existing", "expected"),
    [
        (".", [], None),
        (None, [None, ""], None),
        ("rs1;rs2", [], ["rs1", "rs2"]),
        ("rs1;rs2", ["rs2&COSV3&rs4", None, "rs2"], ["rs1", "rs2", "rs4"]),
        ("COSM7", ["CM123&HGMD"], None),
        ("ars5;rs6x;rs;rs77", [], ["rs77"]),
        (".", ["rs9"], ["rs9"]),
    ],
)
def test_rs_numbers_are_a_list_each_once(id_field, existing, expected):
    assert rsnumbers(id_field, existing) == expected
