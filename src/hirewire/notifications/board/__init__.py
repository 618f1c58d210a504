"""Companies, vacancies and resumes as notices name them, kept from events."""
