"""The two doors: sniffing, limits, gzip, and every real catalogue compared with astropy's reading."""

import gzip
import warnings
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from nashira.config.errors import UploadError, UploadTooLarge
from nashira.formats.readers import open_tables, read_upload, sniff
from nashira.formats.source import OPERATOR, ReadLimits, SourceTable, unique_names
from nashira.schema.types import arrow_type

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()
SMALL = ReadLimits(bytes=2_000_000, rows=1000, columns=50, cell_bytes=10_000, memory_bytes=20_000_000)


def data_file(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no shared data file {name}")
    return path


def whole(table: SourceTable) -> pa.Table:
    """All rows, the batches checked against the columns."""
    names = [column.name for column in table.columns]
    batches = list(table.batches)
    for batch in batches:
        assert batch.num_rows <= 65_536
        assert batch.schema.names == names
        assert batch.schema.types == [arrow_type(column.type) for column in table.columns]
        batch.validate(full=True)
    return pa.Table.from_batches(batches) if batches else pa.table({name: [] for name in names})


def assert_same(ours: pa.ChunkedArray, theirs: np.ndarray) -> None:
    """Compare a column with astropy's, masks too; float NaN and null count as the same, as do empty text and null."""
    mask = np.ma.getmaskarray(theirs)
    plain = np.ma.getdata(theirs)
    values = ours.to_pylist()
    assert len(values) == len(plain)
    for index in range(0, len(values), max(1, len(values) // 500)):
        mine, other = values[index], plain[index]
        if plain.dtype.kind in "US":
            other = other.decode() if isinstance(other, bytes) else str(other)
            assert (mine or "") == ("" if mask[index] else other.rstrip())
        elif plain.dtype.kind == "O":
            assert (mine or "") == ("" if mask[index] else str(other))
        elif np.ndim(other):
            np.testing.assert_array_equal(np.array(mine, dtype=plain.dtype).ravel(), np.ravel(other))
        elif mine is None:
            assert mask[index] or np.isnan(other)
        else:
            assert not mask[index]
            assert mine == other


@pytest.mark.parametrize("name", ["grb_list.vot", "grbs_simbad.vot", "sdss_dr9_field.vot", "twomass_psc_field.vot"])
def test_real_votables_agree_with_astropy(name: str) -> None:
    path = data_file(f"catalogues/{name}")
    (table,) = open_tables(path)
    rows = whole(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = parse(path).get_first_table()
    assert [c.name for c in table.columns] == [f.name for f in theirs.fields]
    assert [c.ucd for c in table.columns] == [f.ucd or "" for f in theirs.fields]
    assert [c.type.datatype for c in table.columns] == [f.datatype for f in theirs.fields]
    assert rows.num_rows == len(theirs.array) > 600
    for index, field in enumerate(theirs.fields):
        assert_same(rows.column(index), theirs.array[field.ID])


@pytest.mark.parametrize(
    ("name", "rows", "columns"), [("eso_obscore_1000.xml", 1000, 53), ("hst_m31_observations.vot", 317, 37)]
)
def test_real_obscore_tables_are_read(name: str, rows: int, columns: int) -> None:
    table = read_upload(data_file(f"obscore/{name}"), ReadLimits())
    assert (whole(table).num_rows, len(table.columns)) == (rows, columns)


@pytest.mark.parametrize("name", ["fermi_3fgl_gll_psc_v16.fit.gz", "des_D00572501_z_c01_fullcat.fits"])
def test_real_fits_agree_with_astropy(name: str) -> None:
    path = data_file(f"catalogues/{name}")
    tables = open_tables(path)
    with fits.open(path) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        binaries = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        assert [table.name for table in tables] == [hdu.name for hdu in binaries]
        for table, hdu in zip(tables, binaries, strict=True):
            rows = whole(table)
            assert table.rows == rows.num_rows == len(hdu.data)
            assert [c.name for c in table.columns] == hdu.columns.names
            if table.name != "LDAC_IMHEAD":
                for index in range(len(table.columns)):
                    assert_same(rows.column(index), hdu.data.field(index))


def test_ldac_header_cards_are_an_array_of_texts() -> None:
    header, _ = open_tables(data_file("catalogues/des_D00572501_z_c01_fullcat.fits"))
    cards = whole(header).column(0)[0].as_py()
    assert header.columns[0].type.arraysize == "80x371"
    assert len(cards) == 371
    assert cards[0].startswith("SIMPLE")


def test_units_of_real_fits_are_vounits() -> None:
    tables = open_tables(data_file("catalogues/des_D00572501_z_c01_fullcat.fits"))
    units = {column.name: column.unit for column in tables[1].columns}
    assert units["ALPHAWIN_J2000"] == "deg"
    assert units["ERRX2WIN_WORLD"] == "deg**2"


@pytest.mark.parametrize(
    "name",
    [
        "gaia_dr2_gd1_candidates",
        "hip_main_bright",
        "openngc",
        "des_D00572501_z_c01",
        "des_y3a1_tiles",
        "twomass_psc_field",
    ],
)
def test_real_parquet_is_read_as_it_is(name: str) -> None:
    path = data_file(f"catalogues/{name}.parquet")
    (table,) = open_tables(path)
    rows, raw = whole(table), pq.read_table(path)
    assert rows.num_rows == table.rows == raw.num_rows
    assert rows.column_names == raw.column_names
    for mine, theirs in zip(rows.columns, raw.columns, strict=True):
        assert mine.to_pylist()[::97] == theirs.to_pylist()[::97]
    said = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in raw.schema}
    assert {c.name: c.unit for c in table.columns} == said


def test_real_csv_agrees_with_astropy() -> None:
    path = data_file("truth/sdss_x_2mass_2arcsec.csv")
    (table,) = open_tables(path)
    rows, theirs = whole(table), Table.read(path, format="ascii.csv")
    assert rows.num_rows == table.rows == len(theirs)
    for name in rows.column_names:
        assert_same(rows[name], np.ma.asarray(theirs[name]))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"SIMPLE  =                    T", "fits"),
        (b"PAR1\x15\x04", "parquet"),
        (b'<?xml version="1.0"?><VOTABLE/>', "votable"),
        (b"\n  <VOTABLE>", "votable"),
        (b"\xef\xbb\xbf<VOTABLE/>", "votable"),
        ("<VOTABLE/>".encode("utf-16"), "votable"),
        (b"ra,dec\n1,2\n", "text"),
        (b"# %ECSV 1.0\n", "text"),
    ],
)
def test_sniffing_knows_the_formats(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<HTML><body>Not found", "HTML"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x01\x02\x00\x03", "unknown kind"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, head: bytes, word: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(head)
    with pytest.raises(UploadError, match=word):
        read_upload(path, SMALL)


def document(rows: int) -> bytes:
    body = "".join(f"<TR><TD>{n}</TD></TR>" for n in range(rows))
    table = f'<TABLE><FIELD name="a" datatype="int"/><DATA><TABLEDATA>{body}</TABLEDATA></DATA></TABLE>'
    return f"<VOTABLE><RESOURCE>{table}</RESOURCE></VOTABLE>".encode()


def test_gzip_is_undone_for_every_format(tmp_path: Path) -> None:
    sheet = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"a": [0, 1, 2]}), sheet)
    hdu = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(3))])
    hdu.writeto(tmp_path / "plain.fits")
    for content in (document(3), b"a\n0\n1\n2\n", sheet.read_bytes(), (tmp_path / "plain.fits").read_bytes()):
        path = tmp_path / "zipped"
        path.write_bytes(gzip.compress(content))
        assert whole(read_upload(path, SMALL)).column("a").to_pylist() == [0, 1, 2]


def test_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    path, content = tmp_path / "two.vot.gz", document(5)
    path.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]) + b"\0" * 100)
    assert whole(read_upload(path, SMALL)).num_rows == 5


@pytest.mark.parametrize("cut", [12, 60, -4])
def test_damaged_gzip_is_an_upload_error(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(document(500))[:cut])
    with pytest.raises(UploadError):
        whole(read_upload(path, SMALL))


@pytest.mark.parametrize("start", [b"<VOTABLE>", b"a,b\n", b"SIMPLE  =", b"PAR1"])
def test_a_gzip_bomb_is_stopped_by_the_limit(tmp_path: Path, start: bytes) -> None:
    packer = zlib.compressobj(9, wbits=31)
    path = tmp_path / "bomb.gz"
    path.write_bytes(packer.compress(start) + packer.compress(b" " * 50_000_000) + packer.flush())
    assert path.stat().st_size < 100_000
    with pytest.raises(UploadTooLarge, match="decompressed"):
        whole(read_upload(path, SMALL))


ASTROPY = {"vot": "votable", "fits": "fits", "csv": "ascii.csv"}


def write(path: Path, columns: dict[str, np.ndarray]) -> Path:
    suffix = path.suffix[1:]
    if suffix == "parquet":
        pq.write_table(pa.table(columns), path)
    else:
        Table(columns).write(path, format=ASTROPY[suffix])
    return path


@pytest.mark.parametrize("suffix", ["vot", "fits", "csv", "parquet"])
def test_too_many_rows_are_refused_while_reading(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"long.{suffix}", {"a": np.arange(1001)})
    with pytest.raises(UploadTooLarge, match="1000 rows"):
        whole(read_upload(path, SMALL))
    (table,) = open_tables(path)
    assert whole(table).num_rows == 1001


@pytest.mark.parametrize("suffix", ["vot", "fits", "csv", "parquet"])
def test_too_many_columns_are_refused(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"wide.{suffix}", {f"c{n}": np.arange(2) for n in range(51)})
    with pytest.raises(UploadTooLarge, match="50 columns"):
        read_upload(path, SMALL)


def test_names_differ_whatever_their_case() -> None:
    assert unique_names(["a", "A", "a", "", "b", "a_2"]) == ["a", "A_2", "a_3", "column", "b", "a_2_2"]


def test_tables_of_one_file_have_different_names(tmp_path: Path) -> None:
    path = tmp_path / "twins.fits"
    hdus = [
        fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(2))], name=name) for name in ("T", "T", "")
    ]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert [table.name for table in open_tables(path, OPERATOR)] == ["T", "T_2", "twins"]
