"""Applications that ended long ago: the applicants are asked, then these are anonymised."""
