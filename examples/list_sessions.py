"""Print the sessions of the last week: who, with which models, and how many tokens."""

import os
from datetime import UTC, datetime, timedelta

from aibridge import Client, Search

week = Search(started_after=datetime.now(UTC) - timedelta(days=7))

with Client(os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"]) as client:
    for session in client.sessions(week):
        tokens = session.token_usage_summary.total_tokens
        models = ", ".join(session.models)
        print(f"{session.initiator.username:20} {tokens:>12,}  {models:40} {session.id}")
