"""Sentences of an advert in prose, and what they require.

An advert without headings says it in sentences: "You'll need Excel", "нужен опыт сварки".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hirewire.esco.forms import without_filler
from hirewire.vacancies.adverts.draft import Known
from hirewire.vacancies.adverts.experience import experience_in
from hirewire.vacancies.adverts.lines import EDGES, LONGEST_LINE, Line, plain
from hirewire.vacancies.adverts.words import NO_EXPERIENCE, NOT_REQUIRED, TRAITS, YEARS

WRAPPED, MOST_WORDS, LONGEST_NAME = 60, 5, 80
"""Characters from which a line goes on in the next one; words and characters of a skill."""
_END = re.compile(
    r"(?:(?<=[^\W_]{3}[.!?…])|(?<=[0-9)»\"!?…][.!?…])|(?<=[!?…]))\s+(?=[A-ZА-ЯЁ«\"(0-9£€$])"
)
_CLAUSE = re.compile(
    r";\s|,?\s(?:but|a ещё|а еще|but also|а также)\s|\s[–—]\s"
    r"|(?<=\w),\s(?=[^,]{0,40}(?:не нуж|не треб|not required|not needed|preferred|desirable"
    r"|приветств|желательн|плюсом|преимуществом|would be|is a plus))"
    r"|(?<=\w),\s(?=(?:желательно|ideally)\b)",
    re.IGNORECASE,
)
_NICE = re.compile(
    r"(?<!\w)(?:(?:is|are|would be|will be)\s(?:an? )?(?:[\w-]{1,12} )?"
    r"(?:bonus|plus|advantage|extra|asset|desirable|preferred|welcome|handy|helpful|nice to have"
    r"|encouraged)\b|nice to have|bonus if|ideally(?: you)?|preferred|preferably|desirable"
    r"|(?:helpful|useful|a plus|an advantage|welcome|handy)$"
    r"|even better if|не обязательно|будет \w{0,12} ?(?:плюсом|преимуществом)"
    r"|(?:плюсом|преимуществом) (?:будет|станет)|(?:будет )?(?:большим )?(?:плюсом|преимуществом)"
    r"|желательн[оы]|приветству[ею]тся|(?:круто|здорово|отлично|хорошо|супер),? если"
    r"|это (?:\w{1,10} )?плюс|будет \w{0,8} ?(?:отлично|здорово|круто|плюс)|как плюс|плюс,? если)"
)
_MUST = re.compile(
    r"(?<!\w)(?:you(?:'ll| will)? (?:need|have|know|should|must)(?: to)?|(?:we|they) (?:need|want"
    r"|expect|ask for)(?: someone| somebody)?|(?:looking for|seeking) (?:someone|somebody|people)"
    r"|(?:we'd|we would) (?:like|love) (?:you|someone|somebody)(?: to have| with)?"
    r"|must(?: have| be| hold| know)?|should(?: have| be| know)|required|essential|a must|mandatory"
    r"|experience (?:of|with|in|using)|(?:know|knows|knowledge of|confident (?:with|in)"
    r"|comfortable with|familiar with|skilled in|proficient in|able to|fluent in)|we write in"
    r"|our stack (?:is|includes)|applicants|candidates?|writing"
    r"|нуж[ен]\w{0,2}|требу[ею]тся|необходим\w{0,2}|понадоб[ия]тся|ждем(?: от (?:вас|тебя))?"
    r"|ожидаем|подойд\w{2,3},? если|от (?:вас|тебя|кандидата)|важно|должен|должна|должны"
    r"|обязател\w{2,4}|знание|умение|владение|уметь|знать|навыки?|наличие|опыт(?: работы)?"
    r"|хотим|хочется|хотелось бы|пишем на|работаем (?:на|с)|наш стек"
    r"|с медкнижкой)(?!\w)"
)
_FIRST = re.compile(
    r"^(?:(?:should|must|need to"
    r"|you|we|they|he|she|who|and|or|to|be|been|have|has|had|having|hold|holds|know|knows|use"
    r"|using|used|can|will|also|someone|somebody|with|the|an?|your|some|any|in|on|of|for|at least"
    r"|able|both|strong|solid|good|great|proven|hands-on|valid|current|experience|experienced"
    r"|knowledge|understanding|working|confident|comfortable|familiar|proficient|skilled|fluent|if"
    r"|done|done with|worked|built|shipped|something|it|bit|that|is|are|need|needed|such as|like"
    r"|you'll|you've|вы|вам|нам|мы|чтобы|если|имели|имеете|иметь|знать|знали|знаете|уметь|умели"
    r"|умеете|работать|работали|работаете|владеть|владеете|владение|владением|знание|знания|знанием"
    r"|знаний|навыки|навык|навыков|навыком|уверенно|уверенный|уверенное|уверенные|уверенного|хорошее"
    r"|хороший|опыт|опыта|опытом|работы|в|во|на|с|со|и|или|а|еще|также|понимание|пониманием|умение"
    r"|умением|наличие|наличием|нужен|нужна|нужно|нужны|обязательно|обязательны|быть|что|кто|тех|знает|умеет|имеет|у"
    r"|писали|пользовались|использовали|делали|строили|трогали|не)(?:\s|$))+"
)
_LAST = re.compile(
    r"(?:\s(?:skills?|experience|before|inside out|every day|daily|обязател\w{2,4}|нуж[ен]\w{0,2}"
    r"|необходим\w{0,2}|required|essential|is|are|будет|у вас|please|too|as well|also))+$"
)
_SPLIT = re.compile(
    r"\s?[,|•·/]\s|\s(?:and|or|и|или|либо|&|plus|with|such as|like|including|а также"
    r"|например|включая|for|to|that|who|which)\s|[()]"
)
_STRONG = re.compile(
    r"(?:experience|know|knowledge|confident|comfortable|familiar|skilled|proficient|able|знание"
    r"|умение|владение|навык|уметь|знать|опыт)"
)
"""Cues behind which one unknown word is a skill, too."""
_SENTENCES = re.compile(
    r"(?<!\w)(?:we|our|us|it|they|them|he|she|this|that|when|because|people|team|join|work with us"
    r"|мы|нас|наш\w{0,3}|они|это|чтобы|котор\w{2,3}|вас|вам|будем|будет|есть|можно|пишите|звоните"
    r"|научим|обучим|платим|даем|график|оклад|зарплата|доход|salary|pay|role|job|position)(?!\w)"
)
_PROOF = re.compile(
    r"(?<!\w)(?:licen[cs]e|certificat\w{1,5}|certified|registered|registration|diploma|degree|nvq"
    r"|qualification|медкнижк\w{1,2}|удостоверени\w|права категори\w|водительск\w{2,3} прав\w?"
    r"|допуск|аккредитаци\w|сертификат\w{0,2}|диплом\w{0,2}|образовани\w)(?!\w)"
)


def sentences_of(lines: Sequence[Line]) -> list[Line]:
    """The lines, and instead of those in prose their sentences, each at the line it begins in."""
    made: list[Line] = []
    paragraph: list[Line] = []
    for line in lines:
        is_item = line.is_item and not _END.search(line.text)
        is_prose = not (is_item or line.is_heading or line.label[0])
        length = sum(len(one.text) for one in paragraph)
        is_more = is_prose and length < LONGEST_LINE and paragraph
        if paragraph and not (is_more and _goes_on(paragraph[-1], line)):
            made += _sentences(paragraph)
            paragraph = []
        if is_prose:
            paragraph.append(line)
        else:
            made.append(line)
    return [*made, *_sentences(paragraph)]


def _goes_on(line: Line, after: Line) -> bool:
    is_wrapped = len(line.text) >= WRAPPED and not line.text.endswith(":")
    return is_wrapped and after.part == line.part and not after.is_after_space


def _sentences(paragraph: Sequence[Line]) -> Iterator[Line]:
    text, starts = "", []
    for line in paragraph:
        starts.append(len(text))
        text += f"{line.text} "
    text, at = text.rstrip(), 0
    if not paragraph:
        return
    for sentence in _END.split(text):
        at = text.index(sentence, at)
        first = max(n for n, start in enumerate(starts) if start <= at)
        at += len(sentence)
        yield replace(paragraph[first], text=sentence)


def required_in(sentence: Line, is_skill: Known) -> Iterator[Line]:
    """What a sentence requires: each skill as a line of the part `must` or `nice`."""
    is_before = None
    for clause in _CLAUSE.split(sentence.text):
        if not clause:
            continue
        said = plain(clause)
        nice, must = _NICE.search(said), _MUST.search(said)
        kind = "nice" if nice else "must" if must or is_before == "must" else None
        is_before = kind
        if kind is None or (not nice and NOT_REQUIRED.search(said)):
            continue
        cue = nice or must
        for name in _names(clause, cue, is_skill):
            yield replace(sentence, text=name, part=kind, is_item=True)


def asks(sentence: Line) -> bool:
    """Whether a sentence is about what is required."""
    return _MUST.search(sentence.plain) is not None


def _names(clause: str, cue: re.Match[str] | None, is_skill: Known) -> Iterator[str]:
    start, end = cue.span() if cue else (0, 0)
    before, after = clause[:start].strip(EDGES), clause[end:].strip(EDGES)
    text = after if len(after.split()) > len(before.split()) or len(after) > 3 else before
    if cue is not None and len(before.split()) <= 12 and _is_postposed(cue[0]):
        text = before or after
    if not _is_postposed(cue[0] if cue else ""):
        for piece in _SPLIT.split(before.rpartition(":")[2]):
            if _PROOF.search(plain(piece)) and len(piece.split()) <= MOST_WORDS and _bare(piece):
                yield _bare(piece)
    is_strong = cue is not None and _STRONG.match(cue[0]) is not None
    for piece in _SPLIT.split(text):
        name = _bare(piece)
        if not name or len(name) > LONGEST_NAME or not any(map(str.isalpha, name)):
            continue
        said = plain(name)
        if TRAITS.match(said) or YEARS.search(said) or NO_EXPERIENCE.search(said):
            continue
        if experience_in(Line(1, name, part="must")):
            continue
        is_short = len(name.split()) <= MOST_WORDS
        is_known = is_skill(name) or _PROOF.search(said)
        is_likely = _is_name(name) or (is_strong and len(name) > 3)
        if is_short and (is_known or (is_likely and not _SENTENCES.search(said))):
            yield name


def _is_postposed(cue: str) -> bool:
    return (
        re.match(
            r"(?:is|are|would|will)\s|required|essential|a must|mandatory|preferred|desirable"
            r"|приветству|обязател|будет .*(?:плюсом|преимуществом|отлично|здорово|круто|плюс)",
            cue,
        )
        is not None
    )


def _bare(piece: str) -> str:
    """A piece of a sentence without the words that introduce and follow its skill."""
    name = piece.strip(EDGES)
    first = _FIRST.match(plain(name))
    name = name[first.end() :] if first else name
    last = _LAST.search(plain(name))
    name = name[: last.start()] if last else name
    name = name.strip(EDGES)
    return "" if not name or plain(name) in ("someone", "somebody", "is", "are") else name


def _is_name(name: str) -> bool:
    """Whether an unknown phrase may be a skill: a name in Latin capitals, or two or three words."""
    has_capital = any(letter.isascii() and letter.isupper() for letter in name)
    count = len(name.split())
    return (has_capital and count <= 3) or count in (2, 3) or bool(list(without_filler(name)))
