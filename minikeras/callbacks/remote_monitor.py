"""Sends the numbers of every epoch to a web server, for a page that shows how the training goes."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from minikeras.callbacks.base import Callback, Logs

TIMEOUT = 10.0  # seconds: the training is not to wait for long


class RemoteMonitor(Callback):
    """POSTs {"epoch": ..., "loss": ..., ...} after every epoch. A server that cannot be reached gives a warning.

    Args:
        root: the server's address, http:// or https://.
        path: where on the server.
        field: the name of the form's field that holds the JSON text.
        headers: further HTTP headers, {name: value}.
        send_as_json: send plain JSON instead of a form.

    Raises:
        ValueError: when `root` is no web address.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(root, str) or not root.startswith(("http://", "https://")):
            raise ValueError(
                f"RemoteMonitor: `root` must begin with http:// or https://. Received: root={root!r}"
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Send the logs."""
        import http.client  # the network's modules take 50 ms to import
        import urllib.error
        import urllib.parse
        import urllib.request

        content: dict[str, Any] = {"epoch": epoch}
        for name, value in (logs or {}).items():
            content[name] = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
        text, kind = json.dumps(content), "application/json"
        if not self.send_as_json:
            text, kind = urllib.parse.urlencode({self.field: text}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, text.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):
                pass
        except urllib.error.HTTPError as error:
            error.close()  # the server was reached; what it thinks of the message is its own affair
        except (OSError, http.client.HTTPException):
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2)
