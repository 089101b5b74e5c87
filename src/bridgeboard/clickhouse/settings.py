"""What each statement is run with on ClickHouse, or it would be answered differently."""

from collections.abc import Mapping
from typing import Final

SETTINGS: Final[Mapping[str, int | str]] = {
    "aggregate_functions_null_for_empty": 1,  # the sum of nothing is unknown, not 0
    "allow_experimental_correlated_subqueries": 1,
    "cast_keep_nullable": 1,
    "count_distinct_implementation": "uniqExact",
    "enable_analyzer": 1,
    "enable_materialized_cte": 1,
    "enable_positional_arguments": 1,  # GROUP BY 1
    "force_grouping_standard_compatibility": 1,
    "group_by_use_nulls": 1,
    "join_default_strictness": "ALL",
    "join_use_nulls": 1,  # what has no partner is NULL, not 0 and ''
    "least_greatest_legacy_null_behavior": 0,
    "prefer_column_name_to_alias": 0,
    "session_timezone": "UTC",
    "transform_null_in": 0,
    "union_default_mode": "DISTINCT",
    "readonly": 2,
}
