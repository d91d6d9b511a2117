"""What a board's title says: its words, its folded form, and whether it is noise. Column expressions only."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.text import has_pii
from features.words import runs

UNKNOWN_LANGUAGE = "und"

# Folded titles that name a place to keep things, not the things. Short and plain: prevalence finds the rest.
NOISE = tuple(
    phrase.strip()
    for phrase in """
    my stuff, stuff, my things, things, things i love, things i like, stuff i love, stuff i like, i love, i want, i like this,
    random, random stuff, random things, misc, miscellaneous, other, others, various, everything, anything, whatever, idk,
    favorites, favourites, favorite, favs, faves, my favorites, my favourites, likes, my likes, my board, my pins,
    board, boards, new board, untitled, no name, quick saves, saved, saves, all, all pins, pins, to sort, unsorted, test,
    ideas, my ideas, inspiration, inspo, cool, cool stuff, cool things, cute, love, pretty, pretty things, nice,
    wish list, wishlist, my wishlist, later, for later, read later, profile, me, mine, myself, aesthetic, vibes,
    mis cosas, cosas, cosas que me gustan, varios, favoritos, mis favoritos, ideas varias, otros, todo, mi tablero,
    meine sachen, sachen, dinge die ich liebe, verschiedenes, sonstiges, favoriten, meine favoriten, alles, allerlei,
    mes trucs, trucs, divers, favoris, mes favoris, mes coups de coeur, coups de cœur, autres, tout, idées,
    minhas coisas, coisas, coisas que amo, diversos, meus favoritos, outros, tudo, varie, le mie cose, preferiti,
    mijn spullen, diversen, favorieten, rzeczy, ulubione, różne, разное, моё, мое, избранное, мои идеи, другое,
    お気に入り, その他, いろいろ, 好きなもの, 收藏, 我的收藏, 其他, 其它, 杂项, 내 보드, 기타, 좋아하는 것,
    منوعات, المفضلة, أشيائي, علاقه‌مندی‌ها, अन्य, मेरी चीज़ें, पसंदीदा
    """.split(",")
)
PROFANE = tuple(
    """
    fuck fucking shit bitch cunt porn porno xxx nsfw nude nudes slut whore asshole
    puta mierda joder merde putain salope fick ficken scheiße scheisse fotze cazzo merda caralho порно хуй блядь kurwa
    """.split()
)


def folded(title: Column) -> Column:
    """The title without case, punctuation, emoji and spacing: titles of one folded form are one title."""
    return F.array_join(runs(title), " ")


def is_noise(title: Column, fold: Column) -> Column:
    """True where a title (with its folded form) says nothing of a pin, or should not be said: null, no letters, one letter, a stock
    phrase, a profane word, personal data."""
    short = (F.char_length(fold) < 2) & ~fold.rlike(r"\p{IsHan}")
    profane = F.arrays_overlap(F.split(fold, " "), _listed(PROFANE))
    noise = short | ~fold.rlike(r"\p{L}") | F.array_contains(_listed(NOISE), fold) | profane | has_pii(title)
    return F.coalesce(noise, F.lit(True))


def _listed(phrases: tuple[str, ...]) -> Column:
    # One literal that the optimiser splits, once: hundreds of them would make every plan large.
    return F.split(F.lit("|".join(phrases)), r"\|")
