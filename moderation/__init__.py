"""The check: rounds, samples, blind reading, the decision on the set."""
