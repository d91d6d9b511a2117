"""Web pages of the sample lake, as messy as real ones: the subject of a page is true, all that is around it is noise."""

from __future__ import annotations

import html
import json
import random

SITE_NAMES = ("Home Finds", "Daily Craft", "Market Lane", "Blue Kettle", "Studio Nord")
# Home, about us, contact; then the cookie banner and its button.
FURNITURE = {
    "en": ("Home|About us|Contact", "We use cookies to improve your experience. Read our privacy policy.", "Accept all"),
    "de": ("Startseite|Über uns|Kontakt", "Wir verwenden Cookies, um Ihr Erlebnis zu verbessern.", "Alle akzeptieren"),
    "fr": ("Accueil|À propos|Contact", "Nous utilisons des cookies pour améliorer votre expérience.", "Tout accepter"),
    "es": ("Inicio|Quiénes somos|Contacto", "Usamos cookies para mejorar su experiencia.", "Aceptar todo"),
    "pt": ("Início|Sobre nós|Contato", "Usamos cookies para melhorar a sua experiência.", "Aceitar tudo"),
    "ja": ("ホーム|会社概要|お問い合わせ", "当サイトではクッキーを使用しています。", "すべて同意する"),
    "zh": ("首页|关于我们|联系方式", "我们使用 Cookie 来改善您的体验。", "全部接受"),
    "ru": ("Главная|О нас|Контакты", "Мы используем файлы cookie.", "Принять все"),
    "hi": ("होम|हमारे बारे में|संपर्क", "हम कुकीज़ का उपयोग करते हैं।", "सभी स्वीकार करें"),
}
OLD_ENCODINGS = {
    "en": ("windows-1252",),
    "de": ("windows-1252", "iso-8859-1"),
    "fr": ("windows-1252", "iso-8859-1"),
    "es": ("windows-1252",),
    "pt": ("iso-8859-1",),
    "ja": ("shift_jis", "euc_jp"),
    "zh": ("gb18030",),
    "ru": ("windows-1251", "koi8-r"),
    "hi": ("utf-16",),
}
DECLARED = {"euc_jp": "euc-jp"}


def page(title: str, description: str, paragraphs: str, language: str, kind: str, status: int, draw: int) -> bytes:
    """A page's bytes: title and description in some of JSON-LD, Open Graph, meta, <title> and the heading, the same everywhere."""
    luck = random.Random(draw)
    site = luck.choice(SITE_NAMES)
    if status != 200:
        return f"<html><head><title>{status} - {site}</title></head><body><h1>{status}</h1><p>Sorry.</p></body></html>".encode()
    head = _head(title, description, language, kind, site, luck)
    body = _body(title, description, paragraphs.split("\n"), language, site, luck)
    return _encoded(head, body, language, luck)


def garbage(data: bytes, draw: int) -> bytes:
    """Bytes that are no page: noise, another kind of file, nothing, or half a compressed page."""
    luck = random.Random(draw)
    noise = luck.randbytes(luck.randrange(40, 600))
    return (noise, b"%PDF-1.4\n" + noise, b"", b"\x1f\x8b\x08\x00" + noise, data[: luck.randrange(10, 60)])[luck.randrange(5)]


def _head(title: str, description: str, language: str, kind: str, site: str, luck: random.Random) -> str:
    shown, told = html.escape(title), html.escape(description)
    named = f"{shown} {luck.choice('|-–')} {site}" if luck.random() < 0.7 else shown
    lines = [f"<title>{named}</title>"]
    if luck.random() < 0.75:
        lines.append(f'<meta name="description" content="{told}">')
    if luck.random() < 0.65:
        lines.append(f'<meta property="og:title" content="{shown}" />')
        lines.append(f'<meta property="og:description" content="{told}" />')
        lines.append(f"<meta property=og:site_name content='{site}'>")
    if luck.random() < 0.55:
        lines.append(f'<script type="application/ld+json">{_linked_data(title, description, language, kind, site, luck)}</script>')
    lines.append('<link rel="stylesheet" href="/theme.css?v=3">')
    lines.append("<script>window.dataLayer=window.dataLayer||[];function t(){dataLayer.push(arguments)}if(1<2){t('js')}</script>")
    lines.append("<style>.nav{display:flex}.ad{min-height:90px}</style>")
    luck.shuffle(lines)
    return "\n".join(lines)


def _linked_data(title: str, description: str, language: str, kind: str, site: str, luck: random.Random) -> str:
    name = "headline" if kind == "Article" else "name"
    thing: dict[str, object] = {"@type": kind, name: title, "description": description, "inLanguage": language}
    if kind == "Product":
        thing["offers"] = {"@type": "Offer", "price": f"{luck.randrange(5, 90)}.99", "priceCurrency": "EUR"}
    if kind == "Recipe":
        thing["recipeIngredient"] = ["200 g", "1 l", "2"]
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "position": 1, "name": site}]}
    shape = luck.random()
    found: object = {"@context": "https://schema.org", **thing}
    if shape < 0.3:
        found = {"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": site}, crumbs, thing]}
    elif shape < 0.4:
        found = [crumbs, found]
    text = json.dumps(found, ensure_ascii=luck.random() < 0.3)
    flaw = luck.random()
    if flaw < 0.04:
        return text[:-1]
    if flaw < 0.08:
        return text[:-1] + ",}"
    if flaw < 0.11:
        return text.replace(": ", ":\n ", 1).replace(title[:6], title[:6] + "\n", 1)
    return f"<!-- {text} -->" if flaw < 0.13 else text


def _body(title: str, description: str, paragraphs: list[str], language: str, site: str, luck: random.Random) -> str:
    menu, banner, accept = FURNITURE[language]
    links = "".join(f'<li><a href="/{i}">{word}</a></li>' for i, word in enumerate(menu.split("|")))
    nav = f'<nav class=nav><ul>{links}</ul></nav><form action="/s"><input name=q></form>'
    cookies = f'<div id="cookie-banner" class="consent"><p>{banner}</p><button>{accept}</button></div>'
    tidy = luck.random() < 0.75
    close = "</p>" if tidy else luck.choice(("", "</p></div>", "<br><br>"))
    text = "\n".join(f"<p>{html.escape(paragraph, quote=False)}{close}" for paragraph in paragraphs)
    heading = f"<h1>{html.escape(title)}</h1>" if luck.random() < 0.9 else f'<div class="big">{html.escape(title)}</div>'
    lead = f'<p class="lead"><em>{html.escape(description)}</em></p>' if luck.random() < 0.5 else ""
    aside = f"<aside><h3>{site}</h3><ul>{''.join(f'<li><a href=/p/{luck.randrange(999)}>{i}</a>' for i in range(4))}</ul></aside>"
    article = f'<article class="post">{heading}{lead}{text}</article>' if tidy else f'<div class="post">{heading}{lead}{text}'
    foot = f'<footer>&copy; {site} <a href="/privacy">Privacy</a></footer>'
    parts = [cookies, nav, article, aside] if luck.random() < 0.5 else [nav, aside, article, cookies]
    return "\n".join([*parts, foot, "<script>t('view')</script>"])


def _encoded(head: str, body: str, language: str, luck: random.Random) -> bytes:
    """The page in UTF-8 (86 %), an older encoding of its language (11 %) or UTF-16; one in three says nothing about it."""
    choice, how = luck.random(), luck.random()
    encoding = "utf-8" if choice < 0.86 else luck.choice(OLD_ENCODINGS[language]) if choice < 0.97 else "utf-16"
    name = DECLARED.get(encoding, encoding)
    meta = ""
    if encoding != "utf-16" and how < 0.4:
        meta = f'<meta charset="{name}">\n'
    elif encoding != "utf-16" and how < 0.67:
        meta = f'<meta http-equiv="Content-Type" content="text/html; charset={name}">\n'
    opening = f'<!DOCTYPE html>\n<html lang="{language}">' if luck.random() < 0.8 else "<html>"
    closing = "</body></html>" if luck.random() < 0.85 else ""
    whole = f"{opening}<head>{meta}{head}</head>\n<body>\n{body}\n{closing}"
    return whole.encode(encoding, "xmlcharrefreplace")
