"""Companies, vacancies, and what employers see of candidates."""
