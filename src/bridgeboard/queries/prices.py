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
    SELECT u.provider, u.provider_name, u.vendor, u.model, u.usage, u.requests, s.*
           EXCLUDE (usage),
           row_number() OVER (PARTITION BY u.usage) = 1 AS is_first
    FROM usage u JOIN spent s ON s.usage = u.usage AND s.started_at = u.started_at
    WHERE u.started_at >= $1 AND u.started_at < $2
)
SELECT provider, provider_name, vendor, model,
       sum(requests) FILTER (is_first)::BIGINT AS requests,
       sum(responses)::BIGINT AS responses,
       sum(input)::HUGEINT::VARCHAR AS input,
       sum(output)::HUGEINT::VARCHAR AS output,
       sum(cache_read)::HUGEINT::VARCHAR AS cache_read,
       sum(cache_write)::HUGEINT::VARCHAR AS cache_write,
       sum(cache_write_1h)::HUGEINT::VARCHAR AS cache_write_1h,
       sum(web_searches)::HUGEINT::VARCHAR AS web_searches,
       min(started_at) AS first_at, max(started_at) AS last_at, note
FROM missing GROUP BY provider, provider_name, vendor, model, note
"""
PRICED: Final = """
SELECT DISTINCT provider_name, model FROM usage
WHERE priced_tokens > 0 OR status NOT IN ('unpriced', 'unmetered')
"""
INSTANCES: Final = """
SELECT provider, provider_name, vendor, arg_max(model, started_at) AS model,
       sum(requests)::BIGINT AS requests, sum(cost)::HUGEINT::VARCHAR AS cost,
       sum(input::HUGEINT + output + cache_read + cache_write)::VARCHAR AS tokens,
       min(started_at) AS first_at, max(started_at) AS last_at
FROM usage WHERE started_at >= $1 AND started_at < $2
GROUP BY provider, provider_name, vendor
ORDER BY sum(cost) DESC NULLS LAST, sum(requests) DESC, provider, provider_name, vendor
"""
