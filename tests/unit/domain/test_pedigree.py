"""PED text -> members."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.domain.case import Affected, Member, Sex
from radiant.domain.pedigree import parse_pedigree, pedigree_digest
from radiant.errors import PedigreeError

TRIO = "f\tkid\tdad\tmum\t1\t2\nf\tdad\t0\t0\t1\t1\nf\tmum\t0\t0\t2\t1\n"


def parse(text, proband=None):
    return parse_pedigree(text, "f.ped", proband)


def proband_of(text, proband=None):
    chosen = [member.sample for member in parse(text, proband) if member.is_proband]
    assert len(chosen) == 1
    return chosen[0]


def lines(*rows):
    return "".join(f"{row}\n" for row in rows)


class TestColumns:
    def test_six_columns_are_a_member(self):
        assert parse(TRIO)[0] == Member(
            sample="kid",
            family_id="f",
            father="dad",
            mother="mum",
            sex=Sex.MALE,
            affected=Affected.AFFECTED,
            patient_id="f:kid",
            experiment_id="f:kid",
            is_proband=True,
        )

    def test_the_order_is_that_of_the_file(self):
        assert [member.sample for member in parse(TRIO)] == ["kid", "dad", "mum"]

    @pytest.mark.parametrize("text", [TRIO.replace("\t", " "), TRIO.replace("\t", "  \t "), TRIO.replace("\t", "   ")])
    def test_blanks_separate_as_well_as_tabs(self, text):
        assert parse(text) == parse(TRIO)

    @pytest.mark.parametrize(
        "text",
        [
            TRIO.replace("\n", "\r\n"),
            TRIO.replace("\n", "\r"),
            f"\ufeff{TRIO}",
            f"\n\n{TRIO}\n",
            f"# made by hand\n{TRIO}# end",
            TRIO.rstrip("\n"),
            TRIO.replace("\n", "  \n"),
            TRIO.replace("\n", "\tmore\tcolumns\n"),
        ],
    )
    def test_line_ends_marks_comments_and_further_columns_do_not_matter(self, text):
        assert parse(text) == parse(TRIO)

    def test_names_may_be_in_any_script_and_hold_blanks_between_tabs(self):
        member = parse("Fam Ångström\t患者 1\t0\t0\t2\t2\n")[0]
        assert (member.family_id, member.sample) == ("Fam Ångström", "患者 1")

    @pytest.mark.parametrize(
        ("code", "sex"),
        [("1", "male"), ("M", "male"), ("2", "female"), ("female", "female"), ("0", "unknown"), ("-9", "unknown"),
         ("other", "unknown"), (".", "unknown"), ("-1", "unknown"), ("NA", "unknown")],
    )  # fmt: skip
    def test_sex_codes(self, code, sex):
        assert parse(f"f\ta\t0\t0\t{code}\t1\n")[0].sex is Sex(sex)

    @pytest.mark.parametrize(
        ("code", "affected"),
        [("2", "affected"), ("1", "unaffected"), ("0", "unknown"), ("-9", "unknown"), ("NA", "unknown")],
    )
    def test_phenotype_codes(self, code, affected):
        assert parse(f"f\ta\t0\t0\t1\t{code}\n")[0].affected is Affected(affected)

    def test_a_parent_without_a_line_was_not_sequenced_and_keeps_their_id(self):
        assert parse("f\tkid\tdad\t0\t1\t2\n")[0].father == "dad"
        assert parse("f\tkid\tdad\t0\t1\t2\n")[0].mother is None

    def test_a_header_names_patient_and_experiment(self):
        text = (
            "#family_id\tindividual_id\tfather\tmother\tsex\tphenotype\texperiment_id\tpatient_id\n"
            "f\tkid\tdad\tmum\t1\t2\tE1\tP1\nf\tdad\t0\t0\t1\t1\t\t.\nf\tmum\t0\t0\t2\t1\n"
        )
        assert [(member.patient_id, member.experiment_id) for member in parse(text)] == [
            ("P1", "E1"),
            ("f:dad", "f:dad"),
            ("f:mum", "f:mum"),
        ]

    @pytest.mark.parametrize(
        "header",
        [
            "FID IID fatid matid sex y1 patient_id",
            "Family.ID\tIndividual.ID\tFather.ID\tMother.ID\tSex\tPhenotype\tpatient_id",
            "family_id individual_id paternal_id maternal_id Gender Phenotype patient.id",
        ],
    )
    def test_a_header_may_lack_the_number_sign(self, header):
        (kid,) = parse(lines(header, "f kid 0 0 1 2 P1"))
        assert (kid.sample, kid.patient_id) == ("kid", "P1")

    @pytest.mark.parametrize("line", ["fam kid 0 0 1 2", "fid iid 0 0 2 1"])
    def test_a_first_person_with_a_headers_names_is_a_person(self, line):
        assert len(parse(lines(line))) == 1

    def test_a_header_without_number_sign_after_a_person_is_an_error(self):
        with pytest.raises(PedigreeError, match="line 2: the sex is 'sex'"):
            parse(lines("f kid 0 0 1 2", "fid iid fatid matid sex phenotype"))

    def test_a_comment_that_mentions_a_column_is_no_header(self):
        text = f"# the patient_id column is not used here at all\n{TRIO}"
        assert parse(text) == parse(TRIO)


class TestRules:
    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            (lines("f\tkid\tdad\tmum\t1"), 1, "5 columns, 6 are needed"),
            (lines("# c", "", "f kid"), 3, "2 columns"),
            (lines("f\tkid\t\t0\t1\t1"), 1, "column father is empty"),
            (lines("f\t0\t0\t0\t1\t1"), 1, "'0' cannot name an individual"),
            (lines("f\tkid\t0\t0\t3\t1"), 1, "the sex is '3'"),
            (lines("f\tkid\t0\t0\t1\tyes"), 1, "the phenotype is 'yes'"),
            (lines("f\tkid\t0\t0\t1\t-1"), 1, "the phenotype is '-1'"),
            (lines("f\tkid\t0\t0\t1\t1.5"), 1, "the phenotype is '1.5'"),
            (lines("f\tkid\tNA\tNA\t1\t2"), 1, "Write 0 for the unknown parent"),
            (TRIO + "f\tdad\t0\t0\t1\t1\n", 4, "'dad' was already on line 2"),
            (TRIO + "g\tother\t0\t0\t1\t1\n", 4, "family is 'g', on line 1 it is 'f'"),
            (lines("f\tkid\tp\tp\t1\t1"), 1, "'p' is both father and mother"),
            (
                lines("f\tkid\tdad\t0\t1\t1", "f\tdad\t0\t0\t2\t1"),
                1,
                "'dad' is the father of 'kid' and female on line 2",
            ),
            (lines("f\tkid\t0\tmum\t1\t1", "f\tmum\t0\t0\t1\t1"), 1, "'mum' is the mother of 'kid' and male on line 2"),
            (lines("f\ta\tx\t0\t1\t1", "f\tb\t0\tx\t1\t1"), 2, "'x' is a mother, on line 1 a father"),
            (lines("f\tkid\tkid\t0\t1\t1"), 1, "'kid' is their own ancestor"),
            (
                lines("f\tz\ta\t0\t1\t1", "f\ta\tb\t0\t1\t1", "f\tb\tc\t0\t1\t1", "f\tc\ta\t0\t1\t1"),
                2,
                "child to parent: a -> b -> c -> a",
            ),
            (lines("#fid iid f m sex p patient_id patient_id", "f a 0 0 1 1 x y"), 1, "patient_id 2 times"),
            (lines("#family_id patient_id f m sex p", "f a 0 0 1 1"), 1, "patient_id is column 2"),
            (
                lines("#fid iid f m sex p experiment_id", "f a 0 0 1 1 E", "f b 0 0 1 1 E"),
                3,
                "experiment_id 'E' was already on line 2",
            ),
        ],
    )
    def test_a_broken_rule_is_named_with_file_and_line(self, text, line, said):
        with pytest.raises(PedigreeError) as caught:
            parse(text)
        assert f"f.ped, line {line}: " in str(caught.value)
        assert said in str(caught.value)

    @pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "\ufeff"])
    def test_a_file_without_a_person_is_an_error(self, text):
        with pytest.raises(PedigreeError, match=r"f\.ped: has no line for a person"):
            parse(text)

    def test_parents_of_unknown_sex_are_allowed(self):
        assert len(parse(lines("f\tkid\ta\tb\t1\t1", "f\ta\t0\t0\t0\t1", "f\tb\t0\t0\t0\t1"))) == 3

    def test_cousins_who_marry_are_no_loop(self):
        family = lines(
            "f kid dad mum 1 2", "f dad g1 g2 1 1", "f mum g1 g3 2 1", "f g1 0 0 1 1", "f g2 0 0 2 1", "f g3 0 0 2 1"
        )
        assert len(parse(family)) == 6

    def test_a_long_line_of_ancestors_is_no_problem(self):
        chain = "".join(f"f\tp{number}\tp{number + 1}\t0\t1\t1\n" for number in range(1000))
        assert len(parse(chain)) == 1000
        with pytest.raises(PedigreeError, match="has 1001 people, a family at most 1000"):
            parse(f"{chain}f\tp1000\t0\t0\t1\t1\n")

    @given(st.text(max_size=200))
    def test_any_text_is_members_or_a_pedigree_error(self, text):
        try:
            members = parse(text)
        except PedigreeError:
            return
        assert sum(member.is_proband for member in members) == 1


class TestProband:
    def test_the_one_who_was_named(self):
        assert proband_of(TRIO, "mum") == "mum"

    def test_a_name_without_a_line_is_an_error_that_lists_the_lines(self):
        with pytest.raises(PedigreeError, match="'absent' has no line; the individuals are kid, dad, mum"):
            parse(TRIO, "absent")

    @pytest.mark.parametrize(
        ("text", "proband"),
        [
            (lines("f dad 0 0 1 2", "f kid dad 0 1 2"), "kid"),
            (lines("f dad x 0 1 2", "f kid dad 0 1 2"), "kid"),
            (lines("f dad 0 0 1 2", "f kid x 0 1 2"), "kid"),
            (lines("f dad 0 0 1 1", "f big dad 0 1 2", "f small dad 0 1 2"), "big"),
            (lines("f dad 0 0 1 2", "f kid dad 0 1 1"), "dad"),
            (lines("f dad 0 0 1 1", "f kid dad 0 1 1"), "kid"),
            (lines("f dad 0 0 1 1", "f kid x 0 1 1"), "kid"),
            (lines("f a 0 0 1 1", "f b 0 0 1 1"), "a"),
        ],
    )
    def test_else_the_rule_of_the_docstring(self, text, proband):
        assert proband_of(text) == proband


class TestDigest:
    def test_layout_does_not_count(self):
        assert pedigree_digest(parse(TRIO)) == pedigree_digest(parse("# c\r\n" + TRIO.replace("\t", " ")))

    @pytest.mark.parametrize(
        "other", [TRIO.replace("dad", "pa"), TRIO.replace("\t1\t2", "\t1\t1"), TRIO + "f\tsis\t0\t0\t2\t1\n"]
    )
    def test_what_is_stated_counts(self, other):
        assert pedigree_digest(parse(TRIO)) != pedigree_digest(parse(other))

    def test_the_proband_counts(self):
        assert pedigree_digest(parse(TRIO)) != pedigree_digest(parse(TRIO, "dad"))


def test_the_trio_of_the_corpus(corpus):
    members = parse_pedigree((corpus / "ashk-trio.ped").read_text(), "ashk-trio.ped")
    assert [(member.sample, member.is_proband) for member in members] == [
        ("HG002", True),
        ("HG003", False),
        ("HG004", False),
    ]
