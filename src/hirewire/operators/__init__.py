"""What operators do to messages, over the services' internal API."""
