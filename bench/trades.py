"""How well vacancies of all trades are ranked for a resume, on our own labelled sets.

Each case has a resume, the right vacancy for it and ten of neighbouring trades, in one city.
`pairs.json` has both sides in one language; in `cross.json` resumes are Russian and vacancies
English; both were looked at while tuning. `held.json` was written by somebody who had not seen the
matcher, with distractors that share words and general skills with the resume; licences and subjects
were chosen with it in view. `held_2.json` was written so too: its cases are not printed, and nobody
tunes on them. Vacancies are ranked as a person sees them: recommended ones
first, by score. Run `python -m bench.trades`; it needs no engines.
"""

import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirewire.esco.job_codes import OWN_TITLE, nth_of
from hirewire.esco.job_tables import all_occupations
from hirewire.esco.job_titles import jobs_of
from hirewire.vacancies.recommendations.facts import demand_of, offer_of, prepare
from hirewire.vacancies.recommendations.rules import judge

FOLDER = Path(__file__).parents[1] / "tests" / "labelled"
NO_VACANCY: dict[str, Any] = {"company_id": None, "languages": []}


@dataclass(frozen=True, slots=True)
class Ranked:
    """The rank of the right vacancy of a case."""

    nth: int
    trade: str
    language: str
    rank: int
    """1 for the first."""
    is_recommended: bool
    wrong: int
    """How many of the other vacancies are recommended."""
    first: str
    """The title of the vacancy that comes first."""
    resume: str
    right: str


def ranked(name: str) -> Iterator[Ranked]:
    """Each case of a set: `pairs`, `cross`, `held` or `held_2`."""
    whole = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    rows = {id: NO_VACANCY | one for id, one in whole["vacancies"].items()}
    for nth, case in enumerate(whole["cases"]):
        offer = offer_of(case["resume"])
        judged = {id: judge(demand_of(rows[id]), offer) for id in (case["right"], *case["wrong"])}

        def place(id: str, judged: Mapping[str, Any] = judged) -> tuple[bool, float, float]:
            return judged[id].fits, judged[id].score, judged[id].strength

        right = case["right"]
        better = [id for id in case["wrong"] if place(id) >= place(right)]
        yield Ranked(
            nth,
            case["trade"],
            case["language"],
            len(better) + 1,
            judged[right].fits,
            sum(judged[id].fits for id in case["wrong"]),
            rows[max(judged, key=place)]["title"],
            case["resume"]["title"],
            rows[right]["title"],
        )


def titled() -> Iterator[tuple[str, bool, bool]]:
    """For each labelled title: its language, whether the first occupation is right, and whether any
    is.
    """
    ids = [one.id for one in all_occupations()]
    with (FOLDER / "titles.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            right = set(row["occupations"].split("|"))
            jobs = [job for job in jobs_of(row["title"]) if job.code < OWN_TITLE]
            are = [ids[nth_of(job.code)] in right for job in jobs]
            yield row["language"], are[:1] == [True], any(are)


def main() -> None:
    """Print the table."""
    started = time.perf_counter()
    prepare()
    out = sys.stdout.write
    out(f"dictionaries loaded in {time.perf_counter() - started:.1f} s\n\n")
    out("| set | cases | right first | in three | recommended | wrong ones too | first, odd |\n")
    out("|---|---|---|---|---|---|---|\n")
    missed = []
    for name in ("pairs", "cross", "held", "held_2"):
        found = list(ranked(name))
        if name != "held_2":
            missed += [(name, one) for one in found if one.rank > 1 or not one.is_recommended]
        first = [one.nth for one in found if one.rank == 1]
        three = sum(one.rank <= 3 for one in found)
        good = sum(one.is_recommended for one in found)
        odd = sum(nth % 2 for nth in first)
        halves = f"{odd} of {len(found) // 2}"
        wrong = sum(one.wrong for one in found)
        out(f"| {name} | {len(found)} | {len(first)} | {three} | {good} | {wrong} | {halves} |\n")
    for language in ("ru", "en"):
        some = [one for one in titled() if one[0] == language]
        right, within = sum(one[1] for one in some), sum(one[2] for one in some)
        out(f"| titles, {language} | {len(some)} | {right} | {within} | | | |\n")
    for name, one in missed:
        out(f"\n{name} {one.nth} {one.trade}: {one.resume} → {one.right}: rank {one.rank}")
        out(f", {'' if one.is_recommended else 'not '}recommended; first: {one.first}")
    out("\n")


if __name__ == "__main__":
    main()
