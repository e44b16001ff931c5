"""The part that acts when nobody is clicking: execution, outbox and watch."""
