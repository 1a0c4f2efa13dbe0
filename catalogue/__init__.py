"""What is assessed: micro-credentials in immutable versions, deliveries, enrolments."""
