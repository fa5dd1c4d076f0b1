"""Where messages for people go: the terminal, the notebook, or a log.

Epoch lines, progress bars and the notes of callbacks all pass through `print_message`. A
terminal or a notebook is *live*: a line on it can be overwritten. A file or a pipe is not, and so
receives plain lines only. `disable_interactive_logging()` sends everything to Python's `logging`
instead, which suits a server.
"""

from __future__ import annotations

import os
import sys

# The kernels whose standard output understands a carriage return, by the package of its class.
NOTEBOOKS = ("ipykernel", "pyodide_kernel", "xeus_python")

_settings = {"interactive": True}


def enable_interactive_logging() -> None:
    """Print messages to standard output, as is the default."""
    _settings["interactive"] = True


def disable_interactive_logging() -> None:
    """Send messages to the logger "minikeras" instead of standard output."""
    _settings["interactive"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether messages go to standard output."""
    return _settings["interactive"]


def is_live() -> bool:
    """Whether a line that was printed can be overwritten: on a terminal and in a notebook."""
    stream = sys.stdout
    if stream is None or not is_interactive_logging_enabled():
        return False
    if type(stream).__module__.partition(".")[0] in NOTEBOOKS:
        return True
    if stream is sys.__stdout__ and "PYCHARM_HOSTED" in os.environ:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def print_message(message: str, end: str = "\n") -> None:
    """Write one message and flush, so that it is seen while the training goes on."""
    if not is_interactive_logging_enabled():
        import logging  # not worth its import time for those who watch the terminal

        logging.getLogger("minikeras").info(message.strip("\n"))
        return
    stream = sys.stdout
    if stream is None:  # a windowed program without a console
        return
    try:
        stream.write(message + end)
    except UnicodeEncodeError:  # an old code page: Keras 2 drew its bar with equals signs
        encoding = stream.encoding or "utf-8"
        plain = (message + end).replace("━", "=").encode(encoding, errors="replace")
        stream.write(plain.decode(encoding))
    stream.flush()
