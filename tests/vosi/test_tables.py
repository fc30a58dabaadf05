"""VOSI 1.1 section 3: the table set."""

from collections.abc import Callable

from lxml import etree

from nashira.schema.model import Catalog
from nashira.vosi.tables import for_astroquery, table_document, tableset

Valid = Callable[[bytes], None]
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def names(document: bytes, path: str) -> list[str | None]:
    return [element.text for element in etree.fromstring(document).findall(path)]


def test_tableset_is_valid_at_both_details(catalog: Catalog, valid: Valid) -> None:
    valid(tableset(catalog, "max"))
    valid(tableset(catalog, "min"))


def test_table_document_is_valid(catalog: Catalog, valid: Valid) -> None:
    valid(table_document(next(catalog.tables())))


def test_root_is_qualified_without_version_and_children_are_not(catalog: Catalog) -> None:
    """VOSI-T1: the schema refuses a version on the root."""
    root = etree.fromstring(tableset(catalog, "max"))
    assert root.tag == "{http://www.ivoa.net/xml/VOSITables/v1.0}tableset"
    assert "version" not in root.attrib
    assert [child.tag for child in root] == ["schema"] * 3


def test_min_has_no_columns_or_keys(catalog: Catalog) -> None:
    """VOSI-T2."""
    short = tableset(catalog, "min")
    assert b"<column" not in short
    assert b"<foreignKey" not in short
    assert names(short, ".//table/name") == names(tableset(catalog, "max"), ".//table/name")


def test_names_are_ready_to_paste(catalog: Catalog) -> None:
    """VOSI-T9: schema prefix and delimiters included, reserved words quoted."""
    full = tableset(catalog, "max")
    assert names(full, ".//table/name") == ["des.main", "des.tiles", '"Table"."a/b"']
    assert names(full, "schema[1]/table[1]/column/name") == [
        "ra",
        "dec",
        "obs_time",
        '"size"',
        "place",
        "flux",
        '"odd ""name"',
        "tile_id",
    ]


def test_types_are_votable_types(catalog: Catalog) -> None:
    """VOSI-T8, TAP-124: arraysize and extendedType where there are any."""
    types = etree.fromstring(tableset(catalog, "max")).findall("schema[1]/table[1]/column/dataType")
    assert {kind.get(f"{XSI}type") for kind in types} == {"vs:VOTableType"}
    found = [(kind.text, kind.get("arraysize"), kind.get("extendedType")) for kind in types]
    assert found[:6] == [
        ("double", None, None),
        ("double", None, None),
        ("char", "*", "timestamp"),
        ("int", None, None),
        ("double", "2", "point"),
        ("float", "2x3", None),
    ]


def test_column_metadata_and_flags(catalog: Catalog) -> None:
    """VOSI-T7, TAP-125: text escaped, flags and std as in TAP_SCHEMA."""
    ra, dec, *_ = columns = etree.fromstring(tableset(catalog, "max")).findall("schema[1]/table[1]/column")
    assert ra.findtext("description") == "ICRS <right> ascension & more"
    assert (ra.findtext("unit"), ra.findtext("ucd")) == ("deg", "pos.eq.ra;meta.main")
    assert [flag.text for flag in ra.findall("flag")] == ["indexed", "nullable"]
    assert dec.findall("flag") == []
    assert [column.get("std") for column in columns[:4]] == ["false", "false", "false", "true"]


def test_illegal_characters_are_removed(catalog: Catalog) -> None:
    dec = etree.fromstring(tableset(catalog, "max")).findall("schema[1]/table[1]/column")[1]
    assert dec.findtext("description") == "Declination"


def test_foreign_keys(catalog: Catalog) -> None:
    """TAP-125."""
    key = etree.fromstring(tableset(catalog, "max")).find(".//foreignKey")
    assert key is not None
    assert key.findtext("targetTable") == "des.tiles"
    assert (key.findtext("fkColumn/fromColumn"), key.findtext("fkColumn/targetColumn")) == ("tile_id", '"tile id"')


def test_rows_and_kind(catalog: Catalog) -> None:
    """VOSI-T11; types are table or view."""
    tables = etree.fromstring(tableset(catalog, "min")).findall(".//table")
    assert [(table.get("type"), table.findtext("nrows")) for table in tables] == [
        ("table", "1000000"),
        ("view", "12"),
        ("table", "0"),
    ]


def test_chosen_tables_only(catalog: Catalog) -> None:
    assert names(tableset(catalog, "max", frozenset({"des.tiles"})), ".//table/name") == ["des.tiles"]


def test_astroquery_finds_the_attribute_it_insists_on(catalog: Catalog) -> None:
    """TAP-126."""
    document = for_astroquery(tableset(catalog, "max"))
    columns = etree.fromstring(document).findall(".//column")
    assert all("{http://esa.int/xml/EsaTapPlus}flags" in column.attrib for column in columns)
