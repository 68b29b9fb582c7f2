"""What `radiant cases add` does."""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage, vcf
from radiant.domain.case import CaseState, Member
from radiant.domain.sheet import MAX_BYTES, parse_sheet, read_assembly, read_priority, read_strategy
from radiant.domain.text import decode_text
from radiant.errors import CaseNotFoundError, InputError, SampleMismatchError, StorageError
from radiant.registry import AddOutcome, Change, Registration, Registry, configured_strategies, read_pedigree
from radiant.settings import Settings

_AT_ONCE = 8
"""Cases whose files are looked at together: an object store answers in tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A case to register."""

    where: str
    """Sheet and line, for messages; empty for the command line."""
    registration: Registration


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of the wanted cases."""

    done: tuple[tuple[AddOutcome, Registration], ...]
    refused: tuple[str, ...]
    """Why the registry refused the others."""


def from_options(vcf_file: str, case: int | None, options: Mapping[str, str | None], settings: Settings) -> Wanted:
    """Return the case that the options of the command line describe.

    Args:
        vcf_file: Path or URI.
        case: Number of the case.
        options: `ped`, `strategy`, `priority`, `assembly`, `proband` and `patient`, None where not given.
        settings: For the strategies and the assembly of cases that state none.

    Raises:
        InputError: a value is none of those allowed, a Windows path, a proband without a pedigree, or a
            patient with one.
    """
    ped = options["ped"]
    proband = options["proband"]
    if proband is not None and ped is None:
        msg = f"the proband {proband!r} needs a pedigree: give --ped"
        raise InputError(msg)
    if options["patient"] is not None and ped is not None:
        msg = "--patient is for a case without a pedigree; with --ped, state the patient in its column patient_id"
        raise InputError(msg)
    strategy, priority, assembly = options["strategy"], options["priority"], options["assembly"]
    registration = Registration(
        vcf_uri=storage.to_uri(vcf_file),
        strategy=None if strategy is None else read_strategy(strategy, configured_strategies(settings)),
        priority=None if priority is None else read_priority(priority),
        assembly=None if assembly is None else read_assembly(assembly),
        ped_uri=None if ped is None else storage.to_uri(ped),
        proband=proband,
        patient_id=options["patient"],
        case_id=case,
    )
    return Wanted("", registration)


def from_sheet(sheet: str, settings: Settings) -> list[Wanted]:
    """Return the cases of a sample sheet.

    Raises:
        InputError: the sheet is missing, or all that is wrong in it.
    """
    uri = storage.to_uri(sheet)
    rows = parse_sheet(
        decode_text(storage.read_bytes(uri, MAX_BYTES), sheet),
        sheet,
        to_uri=_beside(uri),
        strategies=configured_strategies(settings),
        assembly=settings.vcf.assembly,
    )
    return [
        Wanted(
            f"{sheet}, line {row.line}, ",
            Registration(
                vcf_uri=row.vcf_uri,
                strategy=row.strategy if "strategy" in row.stated else None,
                priority=row.priority if "priority" in row.stated else None,
                assembly=row.assembly if "assembly" in row.stated else None,
                ped_uri=row.ped_uri,
                proband=row.proband,
                patient_id=row.patient,
                case_id=row.case_id,
            ),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Checked:
    """The cases whose files were looked at."""

    wanted: tuple[Wanted, ...]
    """With the name of the sample where a patient is stated."""
    notes: tuple[str, ...]
    """A line for each VCF whose header cannot be read now: the import compares the samples of that case."""


def check_files(wanted: Sequence[Wanted], registry: Registry, prefixes: Collection[str] = ()) -> Checked:
    """Look at all files before the first case is registered, and report all problems at once.

    The samples of a pedigree are compared with the header of the VCF; for a case that is given by its number without a
    pedigree, those of the registered one. Of the VCF only the beginning is read.

    Args:
        wanted: The cases.
        registry: Where they are to be registered.
        prefixes: Where files may be, see `storage.check_input_place`.

    Raises:
        InputError: a file is missing or at another place, or a pedigree is unreadable, breaks a rule or names samples
            that the VCF does not have (`SampleMismatchError` where that is the only problem); or a patient is stated
            for a VCF that has not one sample, or whose header cannot be read.
        StorageError: a store does not answer.
    """
    problems: list[InputError] = []
    notes: list[str] = []
    checked: list[Wanted] = []
    known = [_registered_members(registry, one.registration) for one in wanted]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for one, found, note in pool.map(functools.partial(_look, prefixes), wanted, known):
            checked.append(one)
            problems += found
            notes += [] if note is None else [note]
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = "\n  ".join([f"{len(problems)} problems, no case was added:", *map(str, problems)])
        raise InputError(listed)
    return Checked(tuple(checked), tuple(notes))


def register(registry: Registry, wanted: Sequence[Wanted], settings: Settings, *, replace: bool) -> Registered:
    """Register one case after the other; one that the registry refuses does not stop the rest.

    Args:
        registry: where.
        wanted: the cases.
        settings: for the assembly of new cases that state none.
        replace: whether cases that are registered in another way may be changed.
    """
    done: list[tuple[AddOutcome, Registration]] = []
    refused: list[str] = []
    for one in wanted:
        try:
            outcome = registry.add(one.registration, replace=replace, assembly=settings.vcf.assembly)
            if outcome.change is Change.DIFFERS:
                refused.append(
                    f"{one.where}case {outcome.case_id} is registered in another way and was left as it is: "
                    f"{'; '.join(outcome.differences)}. Give --replace to change it (radiant cases add)"
                )
            else:
                done.append((outcome, one.registration))
        except InputError as error:
            refused.append(f"{one.where}{error}")
    return Registered(tuple(done), tuple(refused))


def _registered_members(registry: Registry, registration: Registration) -> tuple[Member, ...]:
    """Return the members that a case keeps as no pedigree is given: those of the registered case of its number."""
    if registration.ped_uri is not None or registration.case_id is None:
        return ()
    try:
        record = registry.get(registration.case_id)
    except CaseNotFoundError:
        return ()
    return () if record.state is CaseState.DELETED else record.case.members


def _look(
    prefixes: Collection[str], one: Wanted, members: tuple[Member, ...]
) -> tuple[Wanted, list[InputError], str | None]:
    """Look at the files of one case.

    Returns:
        The case with the name of its sample where a patient is stated, what is wrong, and a note where the samples
        cannot be compared.
    """
    problems: list[InputError] = []

    def note(column: str, error: InputError) -> None:
        problems.append(type(error)(f"{one.where}column {column}: {error}" if one.where else str(error)))

    vcf_uri, ped_uri = one.registration.vcf_uri, one.registration.ped_uri
    try:
        storage.check_input_place(vcf_uri, prefixes)
        storage.fingerprint(vcf_uri)
    except InputError as error:
        note("vcf", error)
    try:
        if ped_uri is not None:
            storage.check_input_place(ped_uri, prefixes)
        members = members if ped_uri is None else read_pedigree(ped_uri, one.registration.proband)
    except InputError as error:
        note("ped", error)
    if one.registration.patient_id is not None and not problems:
        try:
            sample = _only_sample(vcf_uri)
            return dataclasses.replace(one, registration=dataclasses.replace(one.registration, sample=sample)), [], None
        except InputError as error:
            note("patient", error)
    if problems or not members:
        return one, problems, None
    try:
        samples = vcf.read_samples(vcf_uri)
    except (InputError, StorageError) as error:
        text = f"{one.where}the samples of the pedigree are compared when the case is imported, not now: {error}"
        return one, [], text
    try:
        vcf.check_samples(vcf_uri, samples, members)
    except SampleMismatchError as error:
        note("vcf" if ped_uri is None else "ped", error)
    return one, problems, None


def _only_sample(uri: str) -> str:
    samples = vcf.read_samples(uri)
    if len(samples) != 1:
        msg = (
            f"{uri}: has {len(samples)} samples, and a patient is one person. "
            "Give a pedigree, with the patients in its column patient_id"
        )
        raise InputError(msg)
    return samples[0]


def _beside(sheet_uri: str) -> Callable[[str], str]:
    """Return the function that turns a path in a sheet into a URI: relative paths count from the sheet's folder."""
    path = storage.local_path(sheet_uri)
    folder = sheet_uri.rpartition("/")[0]

    def to_uri(written: str) -> str:
        if path is not None or "://" in written or written.startswith("/"):
            return storage.to_uri(written, None if path is None else path.parent)
        storage.to_uri(written)  # refuses a Windows path
        return storage.join(folder, written)

    return to_uri
