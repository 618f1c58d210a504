"""Rules of verification: which domain is a company's own, and the limits on codes."""

from datetime import timedelta
from urllib.parse import urlsplit

CODE_LIFE = timedelta(minutes=30)
DIGITS = 6
MOST_ATTEMPTS = 5
COMPANY_WINDOW, OF_COMPANY = timedelta(hours=1), 5
"""Codes that a company may ask for."""
ADDRESS_WINDOW, TO_ADDRESS = timedelta(days=1), 3
"""Codes to one address, of all companies: nobody is flooded with mails."""
_FREE_MAIL = """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com aol.com
icloud.com me.com mac.com proton.me protonmail.com pm.me gmx.com gmx.de gmx.net web.de
t-online.de mail.com zoho.com fastmail.com tutanota.com tuta.io hey.com qq.com 163.com 126.com
sina.com naver.com yandex.ru yandex.com ya.ru yandex.by yandex.kz mail.ru bk.ru list.ru
inbox.ru internet.ru rambler.ru lenta.ru autorambler.ru ro.ru vk.com ukr.net tut.by mail.by
mail.kz seznam.cz wp.pl o2.pl onet.pl interia.pl orange.fr laposte.net free.fr sfr.fr libero.it
virgilio.it uol.com.br terra.com.br btinternet.com comcast.net verizon.net att.net
"""
FREE_MAIL = frozenset(_FREE_MAIL.split())
"""Domains where everybody gets an address: they show nothing about a company."""


def own_domain(site: str | None) -> str | None:
    """The domain of a company's website, without `www.`; None without a website.

    A page below a domain, such as a profile in a social network, says nothing about the domain.
    """
    parts = urlsplit(site or "")
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    if "." not in host or parts.path.strip("/"):
        return None
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return None
