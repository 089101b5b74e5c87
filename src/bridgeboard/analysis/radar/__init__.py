"""Anomaly detection: runaway sessions, spend spikes, failure rates, gaps (docs/radar.md).

``sweep`` asks the store. The rules are pure: rows in, findings out; no clock, no chance.
"""
