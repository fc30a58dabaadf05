"""Publish a folder of real catalogues into one site: FITS with many extensions, VOTables of VizieR and SIMBAD, Parquet.

usage: python examples/publish_catalogues.py DATA_FOLDER SITE_FOLDER

Each line below is one `nashira publish`. Afterwards: nashira serve --site SITE_FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# file below DATA_FOLDER/catalogues: table to become, or a schema for the tables of a file with several
CATALOGUES = {
    "hipparcos_allsky.parquet": "hip.allsky",
    "hip_main_bright.parquet": "hip.main",
    "sdss_dr9_field.vot": "field.sdss",
    "twomass_psc_field.vot": "field.twomass",
    "gaia_dr2_gd1_centerline.parquet": "gd1.centerline",
    "gaia_dr2_gd1_candidates.parquet": "gd1.candidates",
    "ps1_gd1_photometry.parquet": "gd1.ps1",
    "fermi_3fgl_gll_psc_v16.fit.gz": "fermi",
    "openngc.parquet": "ngc.objects",
    "grbs_simbad.vot": "grb.simbad",
    "grb_list.vot": "grb.list",
    "des_y3a1_tiles.parquet": "des.y3a1_tiles",
    "des_D00572501_z_c01.parquet": "des.ccd",
    "des_D00572501_z_c01_fullcat.fits": "des_ldac",
    "sdss_dr9_field.parquet": "columnar.sdss",
    "twomass_psc_field.parquet": "columnar.twomass",
}


def nashira(*words: str) -> None:
    """Run a command of Nashira, its output left to the terminal."""
    subprocess.run([sys.executable, "-m", "nashira", *words], check=True)


def main() -> None:
    """Make the site, publish every catalogue, look the result over."""
    data, site = Path(sys.argv[1]), sys.argv[2]
    nashira("init", site)
    for name, target in CATALOGUES.items():
        option = "--table" if "." in target else "--schema"
        nashira("publish", str(data / "catalogues" / name), "--site", site, option, target)
    nashira("check", "--site", site)


if __name__ == "__main__":
    main()
