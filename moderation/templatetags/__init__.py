"""Filters for the agreement table."""
