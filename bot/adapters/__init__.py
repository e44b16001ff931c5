"""Adapters: one for each outside system; vendor types end here."""
