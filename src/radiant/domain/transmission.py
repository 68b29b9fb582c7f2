"""Which model of inheritance the genotypes and affected statuses of a trio fit.

A model predicts the affected members. The mode is the first model that no stated status contradicts.
"""

from collections.abc import Callable
from enum import StrEnum

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Sex
from radiant.domain.trio import (
    MISSING,
    Calls,
    Has,
    Parent,
    Trio,
    child_calls,
    expected_copies,
    has,
    parent_calls,
    parent_copies,
    sources,
)


class TransmissionMode(StrEnum):
    """The model of inheritance that the genotypes and affected statuses fit."""

    AUTOSOMAL_DOMINANT = "autosomal_dominant"
    AUTOSOMAL_DOMINANT_DE_NOVO = "autosomal_dominant_de_novo"
    AUTOSOMAL_RECESSIVE = "autosomal_recessive"
    X_LINKED_DOMINANT = "x_linked_dominant"
    X_LINKED_DOMINANT_DE_NOVO = "x_linked_dominant_de_novo"
    X_LINKED_RECESSIVE = "x_linked_recessive"
    X_LINKED_RECESSIVE_DE_NOVO = "x_linked_recessive_de_novo"
    Y_LINKED = "y_linked"
    MITOCHONDRIAL = "mitochondrial"
    NON_CARRIER_PROBAND = "non_carrier_proband"
    """The child's genotype is known and does not have the allele."""
    UNKNOWN_PROBAND_GENOTYPE = "unknown_proband_genotype"
    """The child's genotype is missing, wholly or where it matters."""
    UNKNOWN_FATHER_GENOTYPE = "unknown_father_genotype"
    UNKNOWN_MOTHER_GENOTYPE = "unknown_mother_genotype"
    UNKNOWN_PARENTS_GENOTYPE = "unknown_parents_genotype"
    INCONSISTENT = "inconsistent"
    """Every model contradicts a stated affected status, or a stated sex (a daughter's Y)."""


def transmission_mode(trio: Trio, *, denovo: bool) -> TransmissionMode:
    """Find the mode for a child of known sex (elsewhere than on X, either sex will do).

    Args:
        trio: The genotypes and stated statuses.
        denovo: Whether the allele's parental origin is `denovo`.
    """
    child = child_calls(trio)
    if trio.allele not in child:
        return (
            TransmissionMode.UNKNOWN_PROBAND_GENOTYPE
            if MISSING in child or not child
            else TransmissionMode.NON_CARRIER_PROBAND
        )
    match trio.region:
        case RegionClass.M:  # affected status says little: it depends on the share of mitochondria, not on a genotype
            return TransmissionMode.MITOCHONDRIAL
        case RegionClass.Y:
            fits = trio.sex is not Sex.FEMALE and _fits(trio, child, _males_affected)
            return TransmissionMode.Y_LINKED if fits else TransmissionMode.INCONSISTENT
        case _:
            return _unknown_parents(trio) or _first_fitting(trio, child, denovo=denovo)


def _unknown_parents(trio: Trio) -> TransmissionMode | None:
    """Return the parents who pass on this place and may or may not carry the allele."""
    unknown = tuple(parent for parent in sources(trio.region, trio.sex) if has(trio, parent, trio.allele) is Has.MAYBE)
    match unknown:
        case ():
            return None
        case (Parent.FATHER,):
            return TransmissionMode.UNKNOWN_FATHER_GENOTYPE
        case (Parent.MOTHER,):
            return TransmissionMode.UNKNOWN_MOTHER_GENOTYPE
        case _:
            return TransmissionMode.UNKNOWN_PARENTS_GENOTYPE


def _first_fitting(trio: Trio, child: Calls, *, denovo: bool) -> TransmissionMode:
    on_x = trio.region is RegionClass.X
    all_copies = set(child) == {trio.allele} or (on_x and trio.sex is Sex.MALE)
    recessive_first = all_copies and (on_x or not denovo)
    models = (_recessive, _dominant) if recessive_first else (_dominant,)
    for model in models:
        if _fits(trio, child, model):
            return _NAMES[on_x, model is _recessive, denovo]
    return TransmissionMode.INCONSISTENT


_NAMES = {
    # on X, recessive, de novo
    (False, False, False): TransmissionMode.AUTOSOMAL_DOMINANT,
    (False, False, True): TransmissionMode.AUTOSOMAL_DOMINANT_DE_NOVO,
    (False, True, False): TransmissionMode.AUTOSOMAL_RECESSIVE,
    (True, False, False): TransmissionMode.X_LINKED_DOMINANT,
    (True, False, True): TransmissionMode.X_LINKED_DOMINANT_DE_NOVO,
    (True, True, False): TransmissionMode.X_LINKED_RECESSIVE,
    (True, True, True): TransmissionMode.X_LINKED_RECESSIVE_DE_NOVO,
}

_Model = Callable[[Calls, int, int], bool | None]
"""(calls, allele, expected copies) -> whether such a person is affected; None when a missing call decides."""


def _dominant(calls: Calls, allele: int, copies: int) -> bool | None:
    """Affected with one copy."""
    if allele in calls:
        return True
    return None if MISSING in calls or len(calls) < copies else False


def _recessive(calls: Calls, allele: int, copies: int) -> bool | None:
    """Affected when every copy is the allele: two of them, or the only one."""
    if any(call not in {allele, MISSING} for call in calls):
        # On a place of one copy, two different calls still show the allele.
        return copies == 1 and allele in calls
    return None if MISSING in calls or len(calls) < copies else True


def _males_affected(calls: Calls, allele: int, copies: int) -> bool | None:
    return _dominant(calls, allele, copies) if copies else False


def _fits(trio: Trio, child: Calls, model: _Model) -> bool:
    """Return whether a model predicts a status for anyone that contradicts the stated one."""
    people = (
        (child, expected_copies(trio.region, trio.sex), trio.child_affected),
        (parent_calls(trio, Parent.FATHER), parent_copies(trio.region, Parent.FATHER), trio.father_affected),
        (parent_calls(trio, Parent.MOTHER), parent_copies(trio.region, Parent.MOTHER), trio.mother_affected),
    )
    for calls, copies, stated in people:
        predicted = None if stated is Affected.UNKNOWN else model(calls, trio.allele, copies)
        if predicted is not None and predicted != (stated is Affected.AFFECTED):
            return False
    return True
