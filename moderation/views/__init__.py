"""Pages for moderators and lead moderators."""
