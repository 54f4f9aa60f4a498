"""Tricorn's Python side: what runs inside the user's interpreter. Standard library only."""
__version__ = "0.1.0"
