"""Serve an application on an address, or say why that address cannot be had."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from commonground.errors import AddressError, Said

if TYPE_CHECKING:
    from starlette.applications import Starlette


def listen(app: Starlette, host: str, port: int, ready: Callable[[], None] | None = None) -> None:
    """Serve until interrupted; ``ready`` is called when the address is known to be free.

    Raises
    ------
    AddressError
        The port is taken or may not be used, or the machine does not have the address.
    """
    import uvicorn

    check(host, port)
    if ready:
        ready()
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)


def check(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as fault:
        whys = {
            errno.EADDRINUSE: Said("这个端口已被另一个程序使用。", "Another program uses this port."),
            errno.EACCES: Said("没有使用这个端口的权限。", "There is no permission to use this port."),
        }
        raise AddressError(
            Said("这个地址不能监听。", "This address cannot be listened on."),
            where=f"{host}:{port}",
            why=whys.get(fault.errno or 0, Said("本机没有这个地址。", "This machine does not have the address.")),
            todo=Said("换一个端口：--port 8080，或换一个地址：--host。", "Choose another: --port 8080, or --host."),
        ) from None
