"""Reports of vacancies and companies, and what operators decide about them."""
