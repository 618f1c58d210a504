"""What people want to be notified of, how, and when not."""
