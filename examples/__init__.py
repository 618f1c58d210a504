"""Three services of a small shop on `hirewire.messaging` alone; see README.md here."""
