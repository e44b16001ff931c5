"""Tests of decisions: plain values in, plain values out."""
