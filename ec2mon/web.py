"""The web process: gunicorn, with the application that its parent has loaded."""

import os
import socket
import struct
from typing import Any

from django.conf import settings
from django.db import connection
from gunicorn.app.base import BaseApplication

# Whoever sends a part of a request and then nothing gives its thread back after so many seconds.
SILENT_S = 5


class Web(BaseApplication):
    """Answers what comes to a listening socket, `fd`, until SIGTERM: `Web(fd).run()`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        super().__init__()

    def load_config(self) -> None:
        """Set what is not gunicorn's default."""
        options = {
            "bind": f"fd://{self._fd}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.WEB_THREADS,
            "graceful_timeout": 8,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the WSGI application."""
        from ec2mon.wsgi import application

        return application

    def run(self) -> None:
        """Answer until SIGTERM."""
        with socket.socket(fileno=os.dup(self._fd)) as listener:
            # connections have it from their listener, whoever made that one; gunicorn would wait for ever
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENT_S, 0))
        if connection.vendor == "postgresql":
            connection.settings_dict["OPTIONS"].setdefault("options", settings.LOCK_TIMEOUT)
        super().run()
