"""Which single requests were made, and what is known of each?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import filters, notices, request, requests, scopes

now = scopes.chosen()

with notices.tile("the requests"):
    one = request.asked()
    if one:
        request.show(one, filters.zone())
    else:
        requests.show(now)
