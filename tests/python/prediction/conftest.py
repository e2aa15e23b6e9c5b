"""What the tests of prediction share."""

from support.fixtures import city, deploy, fails  # noqa: F401
