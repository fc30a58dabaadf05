"""Every real catalogue of the data folder publishes, with the rows and positions its README promises."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from nashira.engines.store import open_snapshot
from tests.ingest.publisher import Publisher, files_of

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "catalogues").resolve()
if not DATA.is_dir():
    pytest.skip("the folder of real catalogues is absent", allow_module_level=True)

# file: {table: (rows, position)}
EXPECTED: dict[str, dict[str, tuple[int, tuple[str, str] | None]]] = {
    "hipparcos_allsky.parquet": {"main": (117_955, ("ra", "dec"))},
    "hip_main_bright.parquet": {"main": (9_933, ("RAICRS", "DEICRS"))},
    "sdss_dr9_field.vot": {"main": (12_405, ("RA_ICRS", "DE_ICRS"))},
    "sdss_dr9_field.parquet": {"main": (12_405, ("RA_ICRS", "DE_ICRS"))},
    "twomass_psc_field.vot": {"main": (683, ("RAJ2000", "DEJ2000"))},
    "twomass_psc_field.parquet": {"main": (683, ("RAJ2000", "DEJ2000"))},
    "gaia_dr2_gd1_centerline.parquet": {"main": (25_084, ("ra", "dec"))},
    "gaia_dr2_gd1_candidates.parquet": {"main": (7_346, ("ra", "dec"))},
    "ps1_gd1_photometry.parquet": {"main": (7_189, None)},
    "fermi_3fgl_gll_psc_v16.fit.gz": {
        "lat_point_source_catalog": (3_034, ("RAJ2000", "DEJ2000")),
        "rois": (840, ("RAJ2000", "DEJ2000")),
        "hist_start": (49, None),
        "gti": (22_858, None),
        "extendedsources": (25, ("RAJ2000", "DEJ2000")),
    },
    "openngc.parquet": {"main": (13_969, ("ra_deg", "dec_deg"))},
    "grbs_simbad.vot": {"main": (12_449, ("ra", "dec"))},
    "grb_list.vot": {"main": (7_516, ("RAJ2000", "DEJ2000"))},
    "des_D00572501_z_c01_fullcat.fits": {
        "ldac_imhead": (1, None),
        "ldac_objects": (2_469, ("ALPHAWIN_J2000", "DELTAWIN_J2000")),
    },
    "des_D00572501_z_c01.parquet": {"main": (2_469, ("ALPHAWIN_J2000", "DELTAWIN_J2000"))},
    "des_y3a1_tiles.parquet": {"main": (10_346, ("ra", "dec"))},
}
WITHOUT_POSITION = {"hip_main_bright.parquet": 5, "openngc.parquet": 7, "grbs_simbad.vot": 2_221}


def test_no_catalogue_is_forgotten() -> None:
    assert {path.name for path in DATA.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_it_publishes(site: Publisher, name: str) -> None:
    done = site.publish(DATA / name)
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    assert snapshot.faults == ()
    found = {t.name: (t.rows, t.position and (t.position.ra, t.position.dec)) for t in snapshot.catalog.tables()}
    assert found == EXPECTED[name]
    assert {one.rows for one in done} == {rows for rows, _ in EXPECTED[name].values()}
    for table in snapshot.catalog.tables():
        stored = [pq.ParquetFile(part.path) for part in files_of(table).partitions]
        assert sum(file.metadata.num_rows for file in stored) == table.rows
        assert {column.name for column in table.columns} <= set(stored[0].schema_arrow.names)
    parts = [part for table in snapshot.catalog.tables() for part in files_of(table).partitions]
    lost = sum(part.rows for part in parts if part.path.endswith("no_position.parquet"))
    assert lost == WITHOUT_POSITION.get(name, 0)
    assert [one.outcome for one in site.publish()] == ["unchanged"] * len(done)


def test_array_columns_of_fermi_keep_their_shape(site: Publisher) -> None:
    site.publish(DATA / "fermi_3fgl_gll_psc_v16.fit.gz")
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    (table,) = (t for t in snapshot.catalog.tables() if t.name == "lat_point_source_catalog")
    history = table.column("Flux_History")
    assert history.type.arraysize == "48"
    values = pq.ParquetFile(files_of(table).partitions[0].path).read(["Flux_History"])["Flux_History"]
    assert all(len(value) == 48 for value in values.to_pylist())


def test_names_of_hipparcos_stay_as_they_are(site: Publisher) -> None:
    site.publish(DATA / "hip_main_bright.parquet", table="hip.bright")
    snapshot = open_snapshot(site.folder)
    snapshot.release()
    (table,) = snapshot.catalog.tables()
    names = {column.name for column in table.columns}
    assert {"B-V", "DE:RA", "(V-I)red", "e_B-V", "pmDE:pmRA"} <= names
    assert table.column("B-V").unit == "mag"
    text = site.descriptor("hip").read_text()
    assert '# "DE:RA": {' in text
    assert '# "(V-I)red": {' in text
