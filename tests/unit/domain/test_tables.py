"""What the declarations of columns have to keep, so that both readers and the lake can derive from them."""

import pytest

from radiant.domain.columns import Encoding, EntryField, Form, InfoKey, Per, Type
from radiant.domain.entry_columns import ENTRY_COLUMNS, FREQUENCY_COLUMNS
from radiant.domain.tables import CASE_TABLES, COLUMNS, INFO_COLUMNS, KEY_COLUMNS, OCCURRENCE, TABLES

ALL = [(table, column) for table in TABLES.values() for column in table.columns]


def test_a_name_has_one_type_one_encoding_and_one_kind_of_bounds_in_every_table():
    for table, column in ALL:
        other = COLUMNS[column.name]
        stored = (column.type, column.encoding, column.bounded)
        assert stored == (other.type, other.encoding, other.bounded), f"{table.name}.{column.name}"


def test_a_table_has_each_column_once_and_begins_with_the_key():
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert tuple(names[:2]) == KEY_COLUMNS
        assert set(table.sort) <= set(names)


def test_an_info_column_has_a_type_that_both_readers_read():
    for column in INFO_COLUMNS.values():
        assert column.type in {Type.INT, Type.FLOAT} or (column.type, column.per) == (Type.STRING, Per.LINE)
        assert column.per in {Per.LINE, Per.ALLELE}
        assert not column.required


def test_each_info_key_has_one_column_and_only_occurrences_have_such_columns():
    read = [(table, column) for table, column in ALL if isinstance(column.source, InfoKey)]
    assert {table.short_name for table, _ in read} == {OCCURRENCE.short_name}
    assert sum(len(column.source.keys) for _, column in read) == len(INFO_COLUMNS)


def test_the_parts_of_a_field_stand_side_by_side():
    fields = [column.source.vep for column in ENTRY_COLUMNS if isinstance(column.source, EntryField)]
    runs = [name for at, name in enumerate(fields) if at == 0 or fields[at - 1] != name]
    assert len(runs) == len(set(runs))


@pytest.mark.parametrize("form", Form)
def test_a_form_has_one_type_for_each_of_its_parts(form):
    types = {
        Form.TEXT: [Type.STRING],
        Form.TERMS: [Type.STRINGS],
        Form.IMPACT: [Type.STRING, Type.INT],
        Form.RANK: [Type.INT, Type.INT],
        Form.STRAND: [Type.INT],
        Form.FLAG: [Type.BOOLEAN],
        Form.NUMBER: [Type.INT],
        Form.FREQUENCY: [Type.DOUBLE],
        Form.PREDICTION: [Type.STRING, Type.FLOAT],
    }
    of_field: dict[str, list[Type]] = {}
    for column in ENTRY_COLUMNS:
        if isinstance(column.source, EntryField) and column.source.form is form:
            of_field.setdefault(column.source.vep, []).append(column.type)
    assert of_field
    assert all(found == types[form] for found in of_field.values())


def test_frequencies_are_the_three_that_settings_name():
    assert FREQUENCY_COLUMNS == {"max_af": "MAX_AF", "gnomade_af": "gnomADe_AF", "gnomadg_af": "gnomADg_AF"}


@pytest.mark.parametrize("encoding", [Encoding.DELTA, Encoding.BYTE_STREAM_SPLIT])
def test_only_numbers_are_stored_as_differences_or_byte_streams(encoding):
    numbers = {Encoding.DELTA: {Type.INT, Type.LONG}, Encoding.BYTE_STREAM_SPLIT: {Type.FLOAT, Type.DOUBLE}}
    assert {column.type for _, column in ALL if column.encoding is encoding} <= numbers[encoding]


def test_a_case_fills_all_tables_except_case_load():
    assert [*CASE_TABLES, "case_load"] == list(TABLES)
