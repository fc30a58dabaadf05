"""The functions that printed SQL may call: ours, and built-in ones of the engines, which neither read nor change data.

Only `read_parquet` reads, and only files that the catalogue declares.
"""

from __future__ import annotations

from nashira.engines.postgres_functions import names

from .walk import OPERATORS, OURS

DUCKDB = (
    OURS
    | OPERATORS
    | frozenset(
        """abs acos any asin atan atan2 avg ceil coalesce cos cot count count_star degrees epoch_us exp floor
        greatest hash histogram isfinite lcase least left length list_contains list_filter
        list_has_all list_transform list_value ln log10 log2 lower make_timestamp max md5 min mod
        nullif parse_filename pi pow radians random range read_parquet regexp_extract regexp_matches
        regexp_replace regexp_split_to_array replace round row_number sin sqrt starts_with strftime
        string_agg string_split substring sum tan to_timestamp trim trunc try ucase unnest upper""".split()
    )
)
POSTGRESQL = frozenset(names()) | frozenset(
    """abs acos array_agg array_fill array_length array_remove asin atan atan2 avg btrim cardinality ceil
        coalesce cos cot count degrees exp floor generate_series greatest least left length ln log10
        log2 lower max min mod num_nulls pg_catalog.btrim pg_catalog.date_part
        pg_catalog.like_escape pg_catalog.ltrim pg_catalog.rtrim pg_catalog.substring
        pg_catalog.timezone pi power q3c_ang2ipix q3c_join q3c_nearby_it q3c_poly_query
        q3c_radial_query radians random regexp_match regexp_split_to_array replace round row_number
        sbox scircle sin smoc split_part spoint spoly sqrt starts_with string_agg string_to_array
        sum tan to_char trunc unnest upper width_bucket""".split()
)
