"""What people do with the learner's work. Each is one use case in one transaction."""
