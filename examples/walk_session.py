"""Print what happened in one session, thread by thread: prompt, tool calls, outcome.

The session is the one with the latest activity, or the one named on the command line.
"""

import os
import sys

from aibridge import Client

with Client(os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"]) as client:
    latest = client.sessions_page(limit=1).sessions
    session_id = sys.argv[1] if len(sys.argv) > 1 else latest[0].id
    for thread in client.threads(session_id):
        print(f"{thread.started_at:%Y-%m-%d %H:%M}  {thread.model}  {thread.prompt or '-'}")
        for action in thread.agentic_actions:
            for call in action.tool_calls:
                print(f"    {call.tool}  {call.input[:80]}")
