"""What a store covers, and of how many of its rows each thing is known."""

from typing import Final

COVERAGE: Final = """
SELECT (SELECT min(started_at) FROM usage),
       (SELECT max(started_at) FROM usage),
       (SELECT max(began_at) FROM runs WHERE outcome = 'done'),
       CAST(EXISTS (SELECT 1 FROM runs WHERE outcome = 'done')
           OR NOT EXISTS (SELECT 1 FROM runs) AS BOOLEAN),
       (SELECT count(*) FROM usage),
       (SELECT count(*) FROM sessions),
       (SELECT count(detailed_at) FROM sessions),
       (SELECT count(*) FROM quarantine)
"""
"""The fields of ``analysis.coverage.Coverage``."""
FIELDS: Final = (
    """
SELECT count(*), count(*) FILTER (WHERE grain = 'interception'), count(ended_at),
       count(provider_name), count(credential_kind)
FROM usage""",
    "SELECT count(*), count(failed) FROM tool_calls",
    """
SELECT count(*), count(detailed_at), count(detail_problem), count(network_total),
       count(*) FILTER (WHERE threads > 50)
FROM sessions""",
    "SELECT count(*), count(error_type) FROM threads",
    """
SELECT (SELECT count(*) FROM prompts), (SELECT count(*) FROM thinking),
       (SELECT count(*) FROM tool_inputs)""",
)
"""The fields of ``analysis.coverage.FieldCoverage``, one statement after the other."""
