"""ClickHouse as a second engine for the facts: its tables, and its spelling of our statements.

DuckDB stays the system of record of whoever syncs. ClickHouse has copies of its tables, which
many dashboards read at once.
"""
