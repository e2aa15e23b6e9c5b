"""What the tests of data sets share."""

from support.fixtures import city, fails  # noqa: F401
