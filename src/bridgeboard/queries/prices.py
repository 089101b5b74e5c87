"""What has no price, what has one, and who bills for each provider instance.

``UNPRICED`` and ``INSTANCES`` take two parameters: the beginning and the end of a window,
half-open, as the tables hold it.
"""

from typing import Final

UNPRICED: Final = """
WITH spent AS (
    SELECT usage, started_at, input, output, cache_read, cache_write, cache_write_1h, web_searches,
           1 AS responses, note
    FROM responses WHERE status = 'unpriced'
), missing AS (
    SELECT u.provider, u.provider_name, u.vendor, u.model, u.requests, s.started_at, s.input,
           s.output, s.cache_read, s.cache_write, s.cache_write_1h, s.web_searches, s.responses,
           s.note, row_number() OVER (PARTITION BY u.usage) AS place
    FROM usage u JOIN spent s ON s.usage = u.usage AND s.started_at = u.started_at
    WHERE u.started_at >= $1 AND u.started_at < $2
)
SELECT m.provider, m.provider_name, m.vendor, m.model,
       CAST(sum(m.requests) FILTER (WHERE m.place = 1) AS BIGINT) AS requests,
       CAST(sum(m.responses) AS BIGINT) AS responses,
       CAST(CAST(sum(m.input) AS HUGEINT) AS VARCHAR) AS input,
       CAST(CAST(sum(m.output) AS HUGEINT) AS VARCHAR) AS output,
       CAST(CAST(sum(m.cache_read) AS HUGEINT) AS VARCHAR) AS cache_read,
       CAST(CAST(sum(m.cache_write) AS HUGEINT) AS VARCHAR) AS cache_write,
       CAST(CAST(sum(m.cache_write_1h) AS HUGEINT) AS VARCHAR) AS cache_write_1h,
       CAST(CAST(sum(m.web_searches) AS HUGEINT) AS VARCHAR) AS web_searches,
       min(m.started_at) AS first_at, max(m.started_at) AS last_at, m.note
FROM missing m GROUP BY m.provider, m.provider_name, m.vendor, m.model, m.note
"""
PRICED: Final = """
SELECT DISTINCT provider_name, model FROM usage
WHERE priced_tokens > 0 OR status NOT IN ('unpriced', 'unmetered')
"""
INSTANCES: Final = """
SELECT u.provider, u.provider_name, u.vendor, arg_max(u.model, (u.started_at, u.usage)) AS model,
       CAST(sum(u.requests) AS BIGINT) AS requests,
       CAST(CAST(sum(u.cost) AS HUGEINT) AS VARCHAR) AS cost,
       CAST(sum(CAST(u.input AS HUGEINT) + u.output + u.cache_read + u.cache_write) AS VARCHAR)
           AS tokens,
       min(u.started_at) AS first_at, max(u.started_at) AS last_at
FROM usage u WHERE u.started_at >= $1 AND u.started_at < $2
GROUP BY u.provider, u.provider_name, u.vendor
ORDER BY sum(u.cost) DESC NULLS LAST, sum(u.requests) DESC, u.provider, u.provider_name, u.vendor
"""
