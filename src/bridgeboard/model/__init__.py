"""The nouns: metrics, dimensions, scopes, periods and pages. Pure data; nothing is executed."""
