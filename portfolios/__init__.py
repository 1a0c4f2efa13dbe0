"""The learner's work: portfolios, evidence, attestations, and the frozen submissions."""
