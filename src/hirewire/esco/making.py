"""Makes the prepared files (`prepared`) of this package from its data.

python -m hirewire.esco.making
"""

from hirewire.esco import job_titles, prepared
from hirewire.esco.dictionary import FILE, built, built_in
from hirewire.esco.job_tables import all_occupations


def main() -> None:
    """Write them into the sources."""
    prepared.write(prepared.DATA, FILE, built(built_in()))
    titles = job_titles.built(all_occupations())
    prepared.write(prepared.DATA, job_titles.FILE, titles, job_titles.STEMMER)


if __name__ == "__main__":
    main()
