"""The command ``dcme``, outside of the package, which takes some tenths of a second to load."""

from __future__ import annotations

import signal


def main() -> int:
    """Run ``dcme.cli.main``. While that loads, Ctrl-C ends the process without a word: whatever
    Python was importing then would otherwise tell of it as a fault of its own."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from dcme.cli import main as run

    return run()
