"""Wire formats: Arrow streams with field metadata ↔ VOTable, FITS, CSV, TSV, Parquet, JSON, HTML."""
