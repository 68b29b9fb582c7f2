"""What `radiant cases add` does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from radiant import storage
from radiant.domain.sheet import parse_sheet, read_assembly, read_priority, read_strategy
from radiant.domain.text import decode_text
from radiant.errors import InputError
from radiant.registry import AddOutcome, Change, Registration, Registry, configured_strategies, read_pedigree
from radiant.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """A case to register."""

    where: str
    """Sheet and line, for messages; empty for the command line."""
    registration: Registration


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of the wanted cases."""

    done: tuple[tuple[AddOutcome, Registration], ...]
    refused: tuple[str, ...]
    """Why the registry refused the others."""


def from_options(vcf: str, case: int | None, options: Mapping[str, str | None], settings: Settings) -> Wanted:
    """Return the case that the options of the command line describe.

    Args:
        vcf: Path or URI.
        case: Number of the case.
        options: `ped`, `strategy`, `priority`, `assembly` and `proband`, None where not given.
        settings: For the strategies and the assembly of cases that state none.

    Raises:
        InputError: a value is none of those allowed, a Windows path, or a proband without a pedigree.
    """
    ped = options["ped"]
    proband = options["proband"]
    if proband is not None and ped is None:
        msg = f"the proband {proband!r} needs a pedigree: give --ped"
        raise InputError(msg)
    strategy, priority, assembly = options["strategy"], options["priority"], options["assembly"]
    registration = Registration(
        vcf_uri=storage.to_uri(vcf),
        strategy=None if strategy is None else read_strategy(strategy, configured_strategies(settings)),
        priority=None if priority is None else read_priority(priority),
        assembly=None if assembly is None else read_assembly(assembly),
        ped_uri=None if ped is None else storage.to_uri(ped),
        proband=proband,
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
        decode_text(storage.read_bytes(uri), sheet),
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
                case_id=row.case_id,
            ),
        )
        for row in rows
    ]


def check_files(wanted: Sequence[Wanted]) -> None:
    """Look at all files before the first case is registered, and say all that is wrong at once.

    Raises:
        InputError: a file is missing or unreadable, or a pedigree breaks a rule.
        StorageError: a store does not answer.
    """
    problems: list[InputError] = []
    for one in wanted:
        for column, check in (("vcf", _check_vcf), ("ped", _check_ped)):
            try:
                check(one.registration)
            except InputError as error:
                text = f"{one.where}column {column}: {error}" if one.where else str(error)
                problems.append(type(error)(text))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = "\n  ".join([f"{len(problems)} problems, no case was added:", *map(str, problems)])
        raise InputError(listed)


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


def _check_vcf(registration: Registration) -> None:
    storage.fingerprint(registration.vcf_uri)


def _check_ped(registration: Registration) -> None:
    if registration.ped_uri is not None:
        read_pedigree(registration.ped_uri, registration.proband)


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
