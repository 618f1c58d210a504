"""What people write, in English or Russian, in forms and in documents alike. Pure."""
