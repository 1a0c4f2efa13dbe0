"""Pages of confirmation, by audience."""
