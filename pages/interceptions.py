"""Which single requests were made, and what is known of each?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import clock, filters, notices
from bridgeboard.ui.views import request, request_list

now = filters.chosen()

with notices.tile("the requests"):
    one = request.asked()
    if one:
        request.show(one, clock.zone())
    else:
        request_list.show(now)
