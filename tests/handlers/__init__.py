"""Tests of subcommands and buttons."""
