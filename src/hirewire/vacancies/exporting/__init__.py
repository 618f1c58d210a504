"""The part of `vacancies` of what a person exports."""
