"""Say what the server and the token can do together, and what stands in the way."""

import os

from aibridge import AIBridgeError, Client

try:
    with Client(os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"]) as client:
        found = client.capabilities()
except AIBridgeError as error:
    raise SystemExit(str(error)) from None

print(f"Coder {found.version}, AI Bridge at {found.prefix}")
print(f"{found.username} is {', '.join(sorted(found.roles)) or 'a member'}")
print(f"interceptions are {'listed' if found.has_interceptions else 'not listed'}")
print(found.problem or "All is well.")
