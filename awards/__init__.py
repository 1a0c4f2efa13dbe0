"""Confirmation: ratification, release, reconsideration, recall, credentials."""
