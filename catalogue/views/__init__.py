"""Pages for programme administrators, authors and pre-moderators."""
