"""Pages of the learner's work, by audience."""
