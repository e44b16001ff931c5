"""Measurements of the bot against hand-written peers, side by side in one run; `python -m benchmarks` prints them."""
