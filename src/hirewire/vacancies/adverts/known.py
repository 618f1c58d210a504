"""What the dictionaries know, for the reader."""

from hirewire.esco import dictionary
from hirewire.esco.job_titles import jobs_of
from hirewire.places.gazetteer import gazetteer
from hirewire.vacancies.adverts.draft import Dictionaries

DICTIONARIES = Dictionaries(
    is_city=lambda text: gazetteer().find(text) is not None,
    is_skill=lambda text: dictionary().find(text) is not None,
    is_title=lambda text: bool(jobs_of(text)),
)
