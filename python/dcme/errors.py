"""The one exception that users see as a single line."""

from __future__ import annotations


class UserError(ValueError):
    """Bad input: the message names the file or option, what is wrong, and what to do."""
