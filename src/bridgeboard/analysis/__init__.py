"""Questions to answers: runs queries, compares, ranks, checks and finds anomalies."""
