"""Tests, in the shape of the code that they hold; values from builders, stand-ins from fakes."""
