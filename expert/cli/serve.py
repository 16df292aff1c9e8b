"""`torchmedic serve`: the interface in a browser, on this machine only unless told otherwise.

Whoever reaches it can run any Python file as you. So it listens on the loopback address, refuses
requests under another host name (DNS rebinding), and connections that another web page opens.
"""

from __future__ import annotations

import argparse
import errno
import shlex
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from expert.errors import UsageError
from expert.language import Text

if TYPE_CHECKING:
    from aiohttp import web

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_PROGRAM: Final = Path(__file__).resolve().parents[1] / "__main__.py"
_OPEN = Text(
    en="torchmedic: open http://{host}:{port} in a browser; Ctrl-C ends it.",
    zh="torchmedic：请在浏览器中打开 http://{host}:{port}；按 Ctrl-C 结束。",
)
_WARNING = Text(
    en="torchmedic: {host} can be reached by others: whoever opens it can run code as you.",
    zh="torchmedic：其他人可以访问 {host}：任何打开它的人都能以您的身份运行代码。",
)


def serve(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; returns the exit status."""
    try:
        from textual_serve.server import Server
    except ImportError:
        raise UsageError(
            en="torchmedic serve needs textual-serve: pip install 'torchmedic[serve]'",
            zh="torchmedic serve 需要 textual-serve：pip install 'torchmedic[serve]'",
        ) from None
    _refuse_taken(options.host, options.port)
    host = options.host

    class Guarded(Server):
        """Answers only those who may ask."""

        async def _make_app(self) -> web.Application:
            app: web.Application = await super()._make_app()
            app.middlewares.append(guard(host))
            return app

    for text in (_OPEN,) if host in _LOOPBACK else (_WARNING, _OPEN):
        print(text.get(options.lang).format(host=host, port=options.port), file=sys.stderr)
    Guarded(command(options), host=host, port=options.port, title="torchmedic").serve()
    return 0


def command(options: argparse.Namespace) -> str:
    """Return the command line of the interface that every browser window gets."""
    line = [sys.executable, str(_PROGRAM), "--lang", options.lang]
    for path in options.rules:
        line += ["--rules", str(Path(path).absolute())]
    return shlex.join(line)


def guard(host: str) -> Any:
    """Return the middleware that refuses other host names and other pages' connections."""
    from aiohttp import web

    @web.middleware
    async def refuse_strangers(request: web.Request, handler: Any) -> web.StreamResponse:
        if not is_welcome(host, request.headers.get("Host"), request.headers.get("Origin")):
            raise web.HTTPForbidden(text="torchmedic answers only pages that it served itself.")
        response: web.StreamResponse = await handler(request)
        return response

    return refuse_strangers


def is_welcome(served: str, host: str | None, origin: str | None) -> bool:
    """Whether a request with these headers comes from a page that we served on `served`."""
    name = urlsplit(f"//{host or ''}").hostname
    if served in _LOOPBACK and name not in _LOOPBACK:
        return False
    return origin is None or urlsplit(origin).netloc == host


def _refuse_taken(host: str, port: int) -> None:
    """Raise UsageError where nothing can be served at `host` and `port`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UsageError(
                    en=f"Port {port} of {host} is taken: choose another one with --port.",
                    zh=f"{host} 的端口 {port} 已被占用：请用 --port 另选一个。",
                ) from None
            why = error.strerror or error
            raise UsageError(
                en=f"Nothing can be served at {host}:{port}: {why}.",
                zh=f"无法在 {host}:{port} 提供服务：{why}。",
            ) from None
