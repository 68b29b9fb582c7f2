"""Create missing tables, add missing columns, drop nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import ListType, MapType

from radiant import storage
from radiant.domain.tables import TABLES
from radiant.errors import ConfigError, InputError, LakeUnavailableError, RadiantError, SchemaMismatchError
from radiant.lake.catalog_errors import no_answer
from radiant.lake.file_layout import PARTITION_COLUMN
from radiant.lake.iceberg_schema import (
    iceberg_schema,
    iceberg_type,
    partition_spec,
    sort_order,
    table_properties,
)
from radiant.lake.table_ref import TableRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.types import IcebergType, NestedField

    from radiant.domain.columns import Column, Table

_TRIES = 10
"""Creation and schema changes race with other processes that do the same; the loser retries."""

_OF_STORES = ("s3.", "adls.", "gcs.")
"""Properties by which a catalog, or its configuration, gives its client access to a store."""


def ensure_tables(
    catalog: Catalog,
    namespace: str,
    case_tables: Mapping[str, Table] | None = None,
    location: str | None = None,
) -> dict[str, TableRef]:
    """Create the namespace, missing tables and missing columns; return every table by its short name.

    Nothing is ever dropped, narrowed or renamed. A column that is new here is added as optional: rows of earlier
    imports have null. Columns of the table of other versions stay as they are (our files have null). A required column
    that earlier versions store in each row and this one does not (`locus`, `source_pos`) becomes optional.
    Two processes may do this at once.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        case_tables: By short name; with the columns that settings choose; those of `domain.tables` when None.
        location: URI of the namespace when it is made; the catalog's choice when None.

    Raises:
        SchemaMismatchError: a column has another type than declared, a required column is not declared,
            or the table is not partitioned by `part` alone.
        LakeUnavailableError: the catalog does not answer.
        ConfigError: the catalog refuses: a right is missing; or it alone has keys for the store of the tables.
    """
    try:
        _ensure_namespace(catalog, namespace, location)
        declared = {**TABLES, **(case_tables or {})}
        tables = {name: _ensure_table(catalog, namespace, table) for name, table in declared.items()}
        _check_own_access(next(iter(tables.values())))
        return {name: TableRef.of(table) for name, table in tables.items()}
    except RadiantError:
        raise
    except Exception as error:
        what = f"the tables of namespace {namespace!r} could not be created or read"
        raise no_answer(what, error) from error


@dataclass(frozen=True, slots=True)
class TableChange:
    """What `ensure_tables` would do to one table."""

    name: str
    """`namespace.table`."""
    exists: bool
    added: tuple[str, ...] = ()
    """Columns that it lacks."""
    made_optional: tuple[str, ...] = ()
    """Required columns that this version does not store, or not in each row."""
    of_others: tuple[str, ...] = ()
    """Columns that this version does not declare: of other engines and versions. They stay as they are."""


def table_changes(
    catalog: Catalog, namespace: str, case_tables: Mapping[str, Table] | None = None
) -> list[TableChange]:
    """Return what `ensure_tables` would do, table by table; raises what it raises."""
    found: list[TableChange] = []
    for declared in {**TABLES, **(case_tables or {})}.values():
        name = f"{namespace}.{declared.name}"
        table = load_table(catalog, namespace, declared)
        if table is None:
            found.append(TableChange(name, exists=False))
            continue
        _check_spec(table)
        missing, filled_before = _schema_changes(table, declared)
        names = {column.name for column in declared.columns}
        others = tuple(field.name for field in table.schema().fields if field.name not in names)
        found.append(TableChange(name, True, tuple(column.name for column in missing), tuple(filled_before), others))  # noqa: FBT003 - a field
    return found


def load_table(catalog: Catalog, namespace: str, table: Table) -> IcebergTable | None:
    """Return the table as it is now, None when there is none.

    Raises:
        LakeUnavailableError: the catalog does not answer.
        ConfigError: the catalog refuses: a right is missing.
    """
    try:
        return catalog.load_table((*catalog.identifier_to_tuple(namespace), table.name))
    except NoSuchTableError:
        return None
    except RadiantError:
        raise
    except Exception as error:
        what = f"{namespace}.{table.name} could not be read"
        raise no_answer(what, error) from error


def load_tables(catalog: Catalog, namespace: str) -> dict[str, IcebergTable]:
    """Return the tables that are there by short name, in commit order.

    Raises:
        LakeUnavailableError: the catalog does not answer.
    """
    found = {name: load_table(catalog, namespace, declared) for name, declared in TABLES.items()}
    return {name: table for name, table in found.items() if table is not None}


def _ensure_namespace(catalog: Catalog, namespace: str, location: str | None) -> None:
    try:
        if not catalog.namespace_exists(namespace):
            catalog.create_namespace(namespace, {} if location is None else {"location": location})
    except NamespaceAlreadyExistsError:
        return
    except Exception:
        # A SQL catalog answers a lost race with its database's own error.
        if not catalog.namespace_exists(namespace):
            raise


def _ensure_table(catalog: Catalog, namespace: str, declared: Table) -> IcebergTable:
    for number in range(_TRIES):
        table = load_table(catalog, namespace, declared) or _create_table(catalog, namespace, declared)
        _check_spec(table)
        missing, filled_before = _schema_changes(table, declared)
        if not missing and not filled_before:
            return table
        try:
            with table.update_schema() as update:
                for name in filled_before:
                    update.make_column_optional(name)
                for column in missing:
                    # Ids are placeholders, the table assigns its own.
                    update.add_column(column.name, iceberg_type(column.type, 1)[0], doc=column.doc, required=False)
        except CommitFailedException:
            time.sleep(0.05 * 2**number)
        else:
            return table
    msg = f"{namespace}.{declared.name}: other processes changed the schema {_TRIES} times while a column was added"
    raise LakeUnavailableError(msg)


def _create_table(catalog: Catalog, namespace: str, declared: Table) -> IcebergTable:
    identifier = (*catalog.identifier_to_tuple(namespace), declared.name)
    schema = iceberg_schema(declared)
    try:
        return catalog.create_table(
            identifier,
            schema,
            partition_spec=partition_spec(schema),
            sort_order=sort_order(declared, schema),
            properties=table_properties(declared),
        )
    except TableAlreadyExistsError:
        return catalog.load_table(identifier)


def _check_own_access(table: IcebergTable) -> None:
    """Refuse a store that is open by keys of the catalog alone, vended or configured.

    Jobs that import hold no credential of the catalog: they write with the credentials of their process.
    """
    if not any(name.startswith(_OF_STORES) for name in table.io.properties):
        return
    try:
        storage.fingerprint(table.metadata_location)
    except (ConfigError, InputError) as error:
        msg = (
            f"{'.'.join(table.name())}: the catalog has keys or an address for the store of its tables, which jobs "
            f"that import do not get, and without them the store refuses this process: {error}. Give every job "
            "credentials of the store with the right to read, write, list and delete (AWS_*, or a role; "
            "AWS_ENDPOINT_URL for a store that is not Amazon's)"
        )
        raise ConfigError(msg) from error


def _check_spec(table: IcebergTable) -> None:
    fields = table.spec().fields
    sources = [table.schema().find_column_name(field.source_id) for field in fields]
    if sources != [PARTITION_COLUMN] or not isinstance(fields[0].transform, IdentityTransform):
        msg = (
            f"{'.'.join(table.name())} is partitioned by {table.spec()}, not by identity({PARTITION_COLUMN}) alone. "
            "Set the partition spec back, or set RADIANT_LAKE__NAMESPACE to a namespace of its own"
        )
        raise SchemaMismatchError(msg)


def _schema_changes(table: IcebergTable, declared: Table) -> tuple[list[Column], list[str]]:
    """Return the stored columns that a table lacks, and the required ones that this version does not store in each row.

    Any other difference is refused.
    """
    present: dict[str, NestedField] = {field.name: field for field in table.schema().fields}
    problems: list[str] = []
    filled_before: list[str] = []
    for column in declared.stored_columns:
        field = present.pop(column.name, None)
        if field is None:
            continue
        wanted, _ = iceberg_type(column.type, 1)
        if not _same_type(field.field_type, wanted):
            problems.append(f"{column.name} is {field.field_type}, declared {column.type}")
        elif field.required and column.same_as is not None:
            filled_before.append(column.name)
        elif field.required and not column.required:
            problems.append(f"{column.name} is required, declared optional")
    computed = {column.name for column in declared.columns if not column.stored}
    required = [name for name, field in present.items() if field.required]
    problems += [f"{name} is required, and this version does not fill it" for name in required if name not in computed]
    if problems:
        msg = (
            f"{'.'.join(table.name())}: {'; '.join(problems)}. Columns are only ever added; "
            "run the radiant version that made the table, or set RADIANT_LAKE__NAMESPACE to a new namespace"
        )
        raise SchemaMismatchError(msg)
    names = {field.name for field in table.schema().fields}
    return [column for column in declared.stored_columns if column.name not in names], [*filled_before, *required]


def _same_type(found: IcebergType, wanted: IcebergType) -> bool:
    """Compare types without their field ids."""
    if isinstance(found, ListType) and isinstance(wanted, ListType):
        return found.element_type == wanted.element_type
    if isinstance(found, MapType) and isinstance(wanted, MapType):
        return (found.key_type, found.value_type) == (wanted.key_type, wanted.value_type)
    return found == wanted
