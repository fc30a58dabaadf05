"""HATS: the files beside the data that let LSDB and others read a table of the store as it is.

Source: IVOA Note "HATS: A Standard for the Hierarchical Adaptive Tiling Scheme", sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..engines.store_records import PartitionRecord
from .density import INDEX_ORDER, Pixel
from .names import INDEX_COLUMN
from .parquet import DATA_FOLDER


def write_metadata(
    folder: Path,
    name: str,
    schema: pa.Schema,
    pixels: Sequence[Pixel],
    parts: Sequence[PartitionRecord],
    sky: tuple[str, str],
) -> None:
    """Write properties, partition_info.csv and _common_metadata; `parts` correspond to `pixels`, `sky` is (ra, dec)."""
    lines = [f"{pixel.order},{pixel.number},{part.rows}" for pixel, part in zip(pixels, parts, strict=True)]
    (folder / "partition_info.csv").write_text("\n".join(["Norder,Npix,num_rows", *lines, ""]), encoding="ascii")
    text = "".join(f"{key}={value}\n" for key, value in _properties(name, pixels, parts, sky).items())
    for file in ("hats.properties", "properties"):
        (folder / file).write_text(text, encoding="utf-8")
    pq.write_metadata(schema, folder / DATA_FOLDER / "_common_metadata")


def _properties(
    name: str, pixels: Sequence[Pixel], parts: Sequence[PartitionRecord], sky: tuple[str, str]
) -> dict[str, str | int | float]:
    area = sum(4.0**-pixel.order for pixel in pixels) / 12.0
    return {
        "obs_collection": name,
        "dataproduct_type": "object",
        "hats_nrows": sum(part.rows for part in parts),
        "hats_col_ra": sky[0],
        "hats_col_dec": sky[1],
        "hats_col_healpix": INDEX_COLUMN,
        "hats_col_healpix_order": INDEX_ORDER,
        "hats_npix_suffix": ".parquet",
        "hats_max_rows": max((part.rows for part in parts), default=0),
        "hats_order": max((pixel.order for pixel in pixels), default=0),
        "moc_sky_fraction": f"{area:.8f}",
        "hats_builder": "nashira",
        "hats_creation_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MUTC"),
        "hats_version": "v1.0",
    }
