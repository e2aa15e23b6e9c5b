"""What the tests of data sets share."""

from support.fixtures import fails  # noqa: F401
