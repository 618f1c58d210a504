"""The internal API of every service's messaging, for `hirewire events` and the console."""
