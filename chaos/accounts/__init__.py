"""People who reset passwords and delete accounts while services, mail server and broker die."""
