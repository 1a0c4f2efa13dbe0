"""What people do when they allocate and mark. Each is one use case in one transaction."""
