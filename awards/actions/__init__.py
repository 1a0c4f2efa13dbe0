"""What people and the clock do to confirm, publish and take back results."""
