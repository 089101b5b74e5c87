"""A sync node as an ASGI app: health and metrics, and no pages."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.server.health import METRICS_TYPE, backed_up, metrics, mirrored, synced


def application(keeper: BackgroundSync, clock: Callable[[], datetime]) -> Starlette:
    """The app: ``/healthz`` and ``/metrics``, with numbers and times that anybody may see."""

    async def healthz(_request: Request) -> JSONResponse:
        body: dict[str, object] = {"status": "ok", "version": version("bridgeboard")}
        body["sync"] = synced(keeper.status)
        body["backup"] = backed_up(keeper.backup_status)
        if keeper.mirror_status:
            body["mirror"] = mirrored(keeper.mirror_status)
        if keeper.node:
            body["lease"] = {"held": keeper.node.holds, "number": keeper.node.number}
        return JSONResponse(body)

    async def prometheus(_request: Request) -> PlainTextResponse:
        node = keeper.node
        text = metrics(
            keeper.report(),
            keeper.totals,
            clock(),
            lease=node.number if node else None,
            holds=node.holds if node else None,
        )
        return PlainTextResponse(text, headers={"content-type": METRICS_TYPE})

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", prometheus)])


def serve(
    keeper: BackgroundSync,
    host: str,
    port: int,
    *,
    clock: Callable[[], datetime],
    when_ready: Callable[[], None],
) -> None:
    """Serve it until a signal ends the process; the sync is started and stopped elsewhere."""
    config = uvicorn.Config(
        application(keeper, clock),
        host=host,
        port=port,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, when_ready)
    server.run()


class _Server(uvicorn.Server):
    """A server that says when it can be asked."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: object = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)  # type: ignore[arg-type]  # passed on as it is
        if self.started:
            self._when_ready()
