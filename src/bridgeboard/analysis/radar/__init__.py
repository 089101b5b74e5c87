"""Anomaly detection: runaway sessions, spend spikes, failure rates, gaps (docs/radar.md).

``sweep`` asks one state of the store and tells findings. The rules are pure: rows in, findings
out. No clock, no chance.
"""

from bridgeboard.analysis.radar.finding import (
    KINDS,
    SEVERITIES,
    Contributor,
    Evidence,
    Finding,
    Kind,
    SessionRef,
    Severity,
    Subject,
)
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.model.radar_limits import Limits, RateLimits, SessionLimits, SpendLimits

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Contributor",
    "Evidence",
    "Finding",
    "Kind",
    "Limits",
    "RateLimits",
    "SessionLimits",
    "SessionRef",
    "Severity",
    "SpendLimits",
    "Subject",
    "sweep",
]
