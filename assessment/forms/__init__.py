"""What pages of marking send, a module for each part of it."""
