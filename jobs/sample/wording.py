"""Sentences of the sample lake by language: `{p}` stands for the phrase ("red striped vase"), `{t}` for the topic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """A language's templates: as many queries as it has slots, three titles, descriptions and board titles, four paragraphs.

    Queries of languages that share words with another have a word of their own, so that one text is one query.
    """

    queries: tuple[str, ...]
    titles: tuple[str, str, str]
    descriptions: tuple[str, str, str]
    boards: tuple[str, str, str]
    paragraphs: tuple[str, str, str, str]


WORDING = {
    "en": Wording(
        queries=("{p}", "{p} ideas", "cute {p}", "buy {p}", "{p} inspiration", "best {p}", "{p} diy", "modern {p}"),
        titles=("{p}", "How to choose a {p}", "{p} for every day"),
        descriptions=(
            "This {p} is one of my favourites for {t}. Simple, pretty and easy to live with.",
            "Looking for a {p}? Here is what I learned about {t} this year.",
            "{p}: seen at a small market, and perfect for {t}.",
        ),
        boards=("{t} ideas", "{p}", "{t} inspiration"),
        paragraphs=(
            "People who care about {t} know that a good {p} is hard to find, and that the cheap ones seldom last.",
            "We looked at a dozen of them over the last month and kept notes on how each of them was made.",
            "The {p} that you see here was the one that everybody in the room wanted to take home.",
            "If you have a question about it, write to us; we read every letter and answer within a week.",
        ),
    ),
    "de": Wording(
        queries=("{p} ideen", "{p} kaufen"),
        titles=("{p}", "Die schönsten Ideen: {p}", "{p} für jeden Tag"),
        descriptions=(
            "Mein Liebling zum Thema {t}: {p}. Schlicht, schön und praktisch.",
            "{p} gesucht? Das habe ich dieses Jahr über {t} gelernt.",
            "{p}: auf einem kleinen Markt gesehen und genau richtig für {t}.",
        ),
        boards=("{t} Ideen", "{p}", "{t} zum Nachmachen"),
        paragraphs=(
            "Wer sich für {t} interessiert, weiß: Etwas Gutes ist schwer zu finden, und Billiges hält selten lange.",
            "Wir haben uns im letzten Monat ein Dutzend Stücke angesehen und aufgeschrieben, wie jedes gemacht ist.",
            "Das Stück auf dem Bild ({p}) wollten am Ende alle mit nach Hause nehmen.",
            "Wenn Sie eine Frage haben, schreiben Sie uns; wir lesen jeden Brief und antworten innerhalb einer Woche.",
        ),
    ),
    "fr": Wording(
        queries=("idée {p}", "acheter {p}"),
        titles=("{p}", "Bien choisir : {p}", "{p} pour tous les jours"),
        descriptions=(
            "Mon coup de cœur pour {t} : {p}. Simple, joli et pratique.",
            "Vous cherchez : {p} ? Voici ce que j'ai appris sur {t} cette année.",
            "{p} : trouvé sur un petit marché, parfait pour {t}.",
        ),
        boards=("Idées {t}", "{p}", "{t} et inspiration"),
        paragraphs=(
            "Ceux qui aiment ce thème ({t}) savent qu'une belle pièce est difficile à trouver et que les moins chères durent peu.",
            "Nous en avons regardé une douzaine le mois dernier en notant comment chacune était fabriquée.",
            "Le modèle de la photo ({p}) est celui que tout le monde voulait emporter à la maison.",
            "Une question ? Écrivez-nous : nous lisons chaque lettre et répondons en une semaine.",
        ),
    ),
    "es": Wording(
        queries=("ideas de {p}", "comprar {p}"),
        titles=("{p}", "Cómo elegir: {p}", "{p} para cada día"),
        descriptions=(
            "Mi favorito de {t}: {p}. Sencillo, bonito y práctico.",
            "¿Buscas {p}? Esto es lo que aprendí sobre {t} este año.",
            "{p}: visto en un mercado pequeño, perfecto para {t}.",
        ),
        boards=("Ideas de {t}", "{p}", "{t} que me inspira"),
        paragraphs=(
            "Quien disfruta de {t} sabe que es difícil encontrar algo bueno y que lo barato pocas veces dura.",
            "Durante el último mes miramos una docena y tomamos notas de cómo estaba hecho cada uno.",
            "El de la foto ({p}) fue el que todos querían llevarse a casa.",
            "Si tienes una pregunta, escríbenos: leemos cada carta y contestamos en una semana.",
        ),
    ),
    "pt": Wording(
        queries=("{p} barato",),
        titles=("{p}", "Como escolher: {p}", "{p} para todos os dias"),
        descriptions=(
            "Meu favorito de {t}: {p}. Simples, bonito e prático.",
            "Procurando {p}? Foi isto que aprendi sobre {t} este ano.",
            "{p}: visto em uma feira pequena, perfeito para {t}.",
        ),
        boards=("Ideias de {t}", "{p}", "Inspiração: {t}"),
        paragraphs=(
            "Quem gosta de {t} sabe que é difícil encontrar algo bom e que o barato raramente dura.",
            "No último mês olhamos uma dúzia e anotamos como cada um foi feito.",
            "O da foto ({p}) foi aquele que todos queriam levar para casa.",
            "Se você tem uma pergunta, escreva para nós: lemos todas as cartas e respondemos em uma semana.",
        ),
    ),
    "ja": Wording(
        queries=("{p} おしゃれ", "{p} 人気"),
        titles=("{p}", "{p}の選び方", "毎日使いたい{p}"),
        descriptions=(
            "{t}のお気に入りは{p}です。シンプルでかわいくて使いやすい。",
            "{p}をお探しですか。今年{t}について学んだことをまとめました。",
            "小さな市場で見つけた{p}。{t}にぴったりです。",
        ),
        boards=("{t}のアイデア", "{p}", "{t}まとめ"),
        paragraphs=(
            "{t}が好きな人なら、良い{p}を見つけるのがどれほど難しいか知っているでしょう。",
            "先月は十個以上を手に取り、それぞれの作りを細かく記録しました。",
            "写真の{p}は、みんなが家に持ち帰りたいと言った一品です。",
            "ご質問があればお手紙をください。すべて読んで一週間以内にお返事します。",
        ),
    ),
    "zh": Wording(
        queries=("{p} 推荐",),
        titles=("{p}", "如何挑选{p}", "每天都用的{p}"),
        descriptions=(
            "说到{t},我最喜欢的是{p}。简单、好看又实用。",
            "在找{p}吗?这是我今年关于{t}的心得。",
            "在小集市上看到的{p},非常适合{t}。",
        ),
        boards=("{t}灵感", "{p}", "我的{t}"),
        paragraphs=(
            "喜欢{t}的人都知道,好的{p}很难找到,便宜的往往用不久。",
            "上个月我们看了十几件,并记录了每一件的做工。",
            "照片里的{p}是大家都想带回家的那一件。",
            "如果您有问题,请写信给我们,我们会在一周内回复每一封信。",
        ),
    ),
    "ru": Wording(
        queries=("{p}",),
        titles=("{p}", "Как выбрать: {p}", "{p} на каждый день"),
        descriptions=(
            "Моё любимое из раздела «{t}»: {p}. Просто, красиво и удобно.",
            "Ищете: {p}? Вот что я узнала по теме «{t}» в этом году.",
            "{p}: нашла на маленьком рынке, то что нужно для темы «{t}».",
        ),
        boards=("{t}: идеи", "{p}", "Вдохновение: {t}"),
        paragraphs=(
            "Кто любит тему «{t}», знает, что хорошую вещь найти трудно, а дешёвые служат недолго.",
            "За последний месяц мы посмотрели дюжину вещей и записали, как сделана каждая из них.",
            "То, что на снимке ({p}), все хотели забрать домой.",
            "Если у вас есть вопрос, напишите нам: мы читаем каждое письмо и отвечаем за неделю.",
        ),
    ),
    "hi": Wording(
        queries=("{p}",),
        titles=("{p}", "{p} कैसे चुनें", "हर दिन के लिए {p}"),
        descriptions=(
            "{t} में मेरी पसंद: {p}। सरल, सुंदर और उपयोगी।",
            "{p} ढूँढ रहे हैं? इस साल {t} के बारे में मैंने यह सीखा।",
            "{p}: एक छोटे बाज़ार में देखा, {t} के लिए बिल्कुल सही।",
        ),
        boards=("{t} के विचार", "{p}", "{t} संग्रह"),
        paragraphs=(
            "जिन्हें {t} पसंद है वे जानते हैं कि अच्छा {p} मिलना कठिन है और सस्ता ज़्यादा दिन नहीं चलता।",
            "पिछले महीने हमने एक दर्जन चीज़ें देखीं और लिखा कि हर एक कैसे बनी है।",
            "तस्वीर में जो {p} है उसे सब अपने घर ले जाना चाहते थे।",
            "यदि आपका कोई प्रश्न हो तो हमें लिखें, हम हर पत्र पढ़ते हैं और एक सप्ताह में उत्तर देते हैं।",
        ),
    ),
}

# Titles that say nothing about the pins on the board.
NOISE_BOARDS = (
    "my stuff",
    "❤️❤️",
    "Things I love",
    "random",
    "misc",
    "✨ vibes ✨",
    "anna.b@example.com",
    "Quick saves",
    "asdf",
    "to do later",
    "stuff 2",
    "2024!!",
)
# What people type into the wrong box; `{n}` is the number of the canary.
CANARIES = (
    "zqsecret{n} anna.k{n}@example.com",
    "call me +1 202 555 0142 zqsecret{n}",
    "{n}.zqsecret@mail.example.org password",
    "zqsecret{n} 4111 1111 1111 1111",
)
BRANDS = ("Alder & Finch", "Bergblick", "Casa Lume", "Dorée", "Eastwind", "Fjordhus", "Golden Reed", "Hoshi")
MATERIALS = ("cotton", "wood", "ceramic", "steel", "glass", "leather", "paper", "linen")
SIZES = ("XS", "S", "M", "L", "XL", "30 cm", "12 in", "one size")
SIZE_TYPES = ("regular", "petite", "plus", "EU", "US")
