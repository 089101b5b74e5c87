"""What Coder allows and counts in a month (UTC), and what the store counts of the same people."""

from typing import Final

MONTHS: Final = "SELECT DISTINCT month FROM coder_group_spend ORDER BY month DESC"
"""The months of which something was read, the latest first."""
GROUPS: Final = """
SELECT CAST(g.id AS VARCHAR), CAST(g.organization AS VARCHAR),
       g.organization_name, g.name, g.display_name, g.members, s.limit_micros, s.spend_micros,
       s.read_at
FROM coder_group_spend s JOIN coder_groups g ON g.id = s.coder_group
WHERE s.month = $1
ORDER BY g.organization_name, g.name, CAST(g.id AS VARCHAR)"""
"""Takes the first day of a month, like the next."""
MEMBERS: Final = """
SELECT CAST(person AS VARCHAR), username, CAST(coder_group AS VARCHAR),
       CAST(effective_group AS VARCHAR), limit_micros, limit_source, spend_micros
FROM coder_member_spend
WHERE month = $1
ORDER BY username, CAST(coder_group AS VARCHAR), CAST(person AS VARCHAR)"""
OURS: Final = """
SELECT CAST(i.id AS VARCHAR) AS person, CAST(CAST(sum(u.cost) AS HUGEINT) AS VARCHAR) AS cost,
       CAST(CAST(sum(u.shadow_cost) AS HUGEINT) AS VARCHAR) AS shadow_cost,
       CAST(sum(u.input + u.output + u.cache_read + u.cache_write)
           - coalesce(sum(u.priced_tokens), 0) AS VARCHAR) AS unpriced_tokens
FROM usage u JOIN initiators i ON i.initiator = u.initiator
WHERE u.started_at >= $1 AND u.started_at < $2
GROUP BY i.id"""
"""Takes the beginning and the end of a month."""
