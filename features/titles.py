"""What a board's title says: its words, its folded form, and whether it is noise. Column expressions only."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.text import has_pii

UNKNOWN_LANGUAGE = "und"

# Scripts written without spaces: a run of them is no word, so its pairs of neighbouring characters stand for the words in it.
_UNSPACED = r"[\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsThai}\p{IsLao}\p{IsKhmer}\p{IsMyanmar}\u30FC]+"
_BETWEEN_WORDS = r"[^\p{L}\p{M}\p{N}\u200C\u200D]+"

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
    return F.array_join(_runs(title), " ")


def words(title: Column) -> Column:
    """The distinct lower-cased words of a title; of scripts without spaces, pairs of neighbouring characters."""
    apart = F.regexp_replace(title, f"({_UNSPACED})", " $1 ")
    pairs = F.transform(_runs(apart), lambda run: F.when(run.rlike(f"^{_UNSPACED}$"), _pairs(run)).otherwise(F.array(run)))
    return F.array_distinct(F.flatten(pairs))


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


def _runs(title: Column) -> Column:
    return F.filter(F.split(F.lower(title), _BETWEEN_WORDS), lambda run: run.rlike(r"[\p{L}\p{N}]"))


def _pairs(run: Column) -> Column:
    starts = F.sequence(F.lit(1), F.greatest(F.char_length(run) - 1, F.lit(1)))
    return F.transform(starts, lambda start: F.substring(run, start, F.lit(2)))
