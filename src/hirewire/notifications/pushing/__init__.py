"""Web Push (RFC 8030): the browsers of a person that are notified, and what is sent to them."""
