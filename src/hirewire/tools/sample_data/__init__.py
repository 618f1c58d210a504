"""A realistic job board: people, companies, vacancies and resumes, determined by a seed."""
