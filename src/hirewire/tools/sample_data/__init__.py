"""A believable job board: people, companies, vacancies and resumes, the same for the same seed."""
