"""Reading a job advert: a text becomes the fields of a vacancy."""
