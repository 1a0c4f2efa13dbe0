"""Preparing the pages of pages.py: one function for each state, by the name written there.

Each gets the cast and returns what the page's path is filled in with.
"""
