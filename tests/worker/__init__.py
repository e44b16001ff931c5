"""The loops that act when nobody is clicking, tick by tick."""
