"""The description of a table for a process without catalog credentials."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from radiant.lake.file_layout import IcebergObject, file_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as IcebergTable


class StoredTableRef(TypedDict):
    """A `TableRef` in a document."""

    identifier: str
    location: str
    data_location: str
    schema: IcebergObject
    spec: IcebergObject
    name_mapping: str | None


@dataclass(frozen=True)
class TableRef:
    """What a process without catalog credentials needs to write data files of a table. Crosses as JSON."""

    identifier: str
    """`namespace.table`."""
    location: str
    """URI of the table's folder."""
    data_location: str
    """URI of the folder for data files (`write.data.path`, else `<location>/data`)."""
    schema_json: str
    """The table's Iceberg schema with the field ids of the real table, as Iceberg writes it in metadata."""
    spec_json: str
    """The table's partition spec, as Iceberg writes it in metadata."""
    name_mapping: str | None
    """`schema.name-mapping.default` of the table, for readers of files without field ids; None when unset."""

    @cached_property
    def schema(self) -> Schema:
        """The table's schema."""
        from pyiceberg.schema import Schema  # noqa: PLC0415 - a process that only stages does without

        return Schema.model_validate_json(self.schema_json)

    @cached_property
    def spec(self) -> PartitionSpec:
        """The table's partition spec."""
        from pyiceberg.partitioning import PartitionSpec  # noqa: PLC0415 - as above

        return PartitionSpec.model_validate_json(self.spec_json)

    @property
    def spec_id(self) -> int:
        """The number of the partition spec."""
        return json.loads(self.spec_json)["spec-id"]

    def file_schema(self, names: Iterable[str]) -> pa.Schema:
        """Return the Arrow schema of a data file with these columns of the table."""
        return file_schema(json.loads(self.schema_json), names)

    def to_json(self) -> StoredTableRef:
        """Return a JSON object."""
        return {
            "identifier": self.identifier,
            "location": self.location,
            "data_location": self.data_location,
            "schema": json.loads(self.schema_json),
            "spec": json.loads(self.spec_json),
            "name_mapping": self.name_mapping,
        }

    @classmethod
    def from_json(cls, raw: StoredTableRef) -> TableRef:
        """Read what `to_json` returned.

        Raises:
            KeyError: a key is missing.
        """
        return cls(
            identifier=raw["identifier"],
            location=raw["location"],
            data_location=raw["data_location"],
            schema_json=json.dumps(raw["schema"]),
            spec_json=json.dumps(raw["spec"]),
            name_mapping=raw["name_mapping"],
        )

    @classmethod
    def of(cls, table: IcebergTable) -> TableRef:
        """Describe a loaded table."""
        location = table.location().rstrip("/")
        return cls(
            identifier=".".join(table.name()),
            location=location,
            data_location=table.properties.get("write.data.path", f"{location}/data").rstrip("/"),
            schema_json=table.schema().model_dump_json(),
            spec_json=table.spec().model_dump_json(),
            name_mapping=table.properties.get("schema.name-mapping.default"),
        )
