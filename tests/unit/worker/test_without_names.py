"""What a job reports about a case names neither people nor files."""

import pytest

from radiant.domain.case import Case, Priority
from radiant.errors import InputError, SampleMismatchError, StorageError, VcfFormatError
from radiant.worker.without_names import without_names
from vcf_files import TRIO

CASE = Case(42, "file:///data/Doe/kid-Doe.vcf.gz", "wgs", Priority.ROUTINE, "GRCh38", TRIO)


def reported(error):
    with pytest.raises(type(error)) as caught, without_names(CASE):
        raise error
    return str(caught.value)


@pytest.mark.parametrize("kind", [InputError, StorageError, VcfFormatError])
def test_an_error_keeps_its_class_and_names_the_case_instead_of_the_file(kind):
    assert reported(kind(f"{CASE.vcf_uri}, line 7: x")) == "the VCF of case 42, line 7: x"
    assert reported(kind("/data/Doe/kid-Doe.vcf.gz: no such file")) == "the VCF of case 42: no such file"
    assert reported(kind("kid-Doe.vcf.gz of F:kid")) == "the VCF of case 42 of ..."


def test_samples_that_do_not_match_are_named_at_the_command_line_alone():
    message = reported(SampleMismatchError("the pedigree names kid; the VCF has Doe"))
    assert "kid" not in message
    assert "Doe" not in message
    assert "`radiant cases add --case 42` compares them" in message
