"""The members of the real trios of the corpus."""

from radiant.domain.case import Affected, Sex
from vcf_files import member

ASHKENAZI = (
    member("HG002", father="HG003", mother="HG004", sex=Sex.MALE, affected=Affected.AFFECTED, is_proband=True),
    member("HG003", sex=Sex.MALE),
    member("HG004"),
)
CLINICAL = (
    member("ADM1059A2", father="ADM1059A1", mother="ADM1059A3", sex=Sex.MALE, is_proband=True),
    member("ADM1059A1", sex=Sex.MALE),
    member("ADM1059A3"),
)
UPD = (
    member("CHILD", father="FATHER", mother="MOTHER", sex=Sex.MALE, is_proband=True),
    member("FATHER", sex=Sex.MALE),
    member("MOTHER"),
)
