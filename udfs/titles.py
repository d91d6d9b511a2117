"""Near-duplicate titles: one key for titles that differ in number, inflection, order of words and small words only."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType
from simplemma import Lemmatizer
from simplemma.strategies import DefaultStrategy
from simplemma.strategies.dictionaries import StreamDictionaryFactory
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

# Codes of one language under several names, as the dictionaries have them.
_ALIASES = {"no": "nb", "hr": "hbs", "sr": "hbs", "bs": "hbs", "sh": "hbs", "iw": "he", "in": "id", "fil": "tl"}
_LONGEST_WORD = 40  # what is longer is no word, and parts of words are looked for in each
_ROUNDS = 3  # `paintings` is `painting`, and that is `paint`

# Words that join others, by language: articles, prepositions, conjunctions, possessives. Lists of stop words of search engines hold far
# more, such as `home`, `room`, `mug` and `fire`, without which `home decor` would be `decor`.
_SMALL_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a an the of for in on at to by with from and or & n my your our his her their its this that these some s t is are be "
        "i you we",
        "de": "der die das den dem des ein eine einen einem einer eines und oder für von vom mit im in ins am an auf aus zu zum zur bei "
        "beim nach mein meine meinen meiner dein deine unser unsere ihr ihre",
        "nl": "de het een en of voor van met in op aan uit naar bij te ten ter mijn je jouw ons onze",
        "sv": "en ett den det och eller för till med av i på vid från min mitt mina din ditt dina",
        "da": "en et den det og eller for til med af i på ved fra min mit mine din dit dine",
        "nb": "en et ei den det og eller for til med av i på ved fra min mitt mine din ditt dine",
        "fr": "le la les l un une des de du d et ou pour par avec dans en sur à au aux chez mon ma mes ton ta tes son sa ses notre nos "
        "ce ces",
        "es": "el la los las un una unos unas de del y e o u para por con en a al sobre mi mis tu tus su sus lo",
        "pt": "o a os as um uma uns umas de do da dos das e ou para pra por pelo pela com em no na nos nas ao à meu minha meus "
        "minhas seu sua",
        "it": "il lo la i gli le l un uno una di del dello della dei degli delle dell d e ed o per con in nel nella nei nelle su sul sulla "
        "a al alla ai alle da dal dalla mio mia miei mie tuo tua",
        "ca": "el la els les l un una uns unes de del dels d i o per amb en a al als meu meva",
        "ro": "un o unei unui și sau de din pentru cu în la pe a al ale mea meu mele",
        "pl": "i oraz lub albo a w we z ze na do od dla po przy o mój moja moje twój twoja",
        "cs": "a i nebo v ve z ze na do od pro po při o s se můj moje má",
        "ru": "и или а в во с со на до от для по при о об из к ко у мой моя моё мои",
        "uk": "і й та або а в у з із зі на до від для по при про мій моя моє мої",
        "tr": "ve veya ile için bir bu benim",
        "id": "dan atau untuk di ke dari yang dengan ini itu",
        "ar": "و أو في من على إلى عن مع",
        "fa": "و یا در از به با برای را",
        "hi": "और या का की के में से पर को लिए",
    }.items()
}

_UNSPACED = re.compile(
    r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF]"
)


def near_key(language: Column, folded: Column) -> Column:
    """What titles of a pin that say the same have in common, from a title's folded form; empty for an empty one.

    One pass over the rows in Arrow; Python looks at the distinct titles of a batch only, and once at each in a process.
    """
    found: Column = _udf(language, folded)
    return found


@lru_cache(maxsize=200_000)
def key(language: str, folded: str) -> str:
    """The sorted distinct lemmas of a title's words but the small ones; of a title of small words, or without spaces, all as they stand.

    A language without a dictionary has its words sorted only.
    """
    words = folded.split()
    if _UNSPACED.search(folded):
        return folded
    code = language.lower().replace("_", "-").split("-")[0]
    code = _ALIASES.get(code, code)
    told = [word for word in words if word not in _SMALL_WORDS.get(code, ())]
    if not told or code not in SUPPORTED_LANGUAGES:
        return " ".join(sorted(set(told or words)))
    return " ".join(sorted({_lemma(word, code) for word in told}))


def _lemma(word: str, language: str) -> str:
    """The form that a dictionary lists the word under, in lower case, Latin letters without accents: many leave them out."""
    for _ in range(_ROUNDS if len(word) <= _LONGEST_WORD else 0):
        before, word = word, _lemmatizer().lemmatize(word, language).lower()
        if word == before:
            break
    return _unaccented(word)


def _unaccented(word: str) -> str:
    parts = unicodedata.normalize("NFD", word)
    plain = "".join(part for part in parts if not "\u0300" <= part <= "\u036f")
    return plain if plain.isascii() else unicodedata.normalize("NFC", word)


@cache
def _lemmatizer() -> Lemmatizer:
    # Read in place, 2 to 50 MB a language instead of 20 to 400, and all languages kept: a batch holds many.
    dictionaries = StreamDictionaryFactory(cache_max_size=len(SUPPORTED_LANGUAGES))
    return Lemmatizer(lemmatization_strategy=DefaultStrategy(dictionary_factory=dictionaries))


def _keys(languages: pa.Array, folded: pa.Array) -> pa.Array:
    """A key for every row, null where a part of it is null."""
    titles = pc.binary_join_element_wise(languages, folded, "\n").dictionary_encode()
    keys = [key(*title.split("\n", 1)) for title in titles.dictionary.to_pylist()]
    return pa.array(keys, pa.string()).take(titles.indices)


_udf = F.arrow_udf(_keys, StringType())  # type: ignore[attr-defined]  # missing in the stubs only
