"""Wire formats: Arrow streams with field metadata ↔ VOTable, FITS, CSV, TSV, ECSV, Parquet, Arrow, JSON, HTML."""
