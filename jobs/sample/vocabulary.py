"""What the sample lake is about: topics, objects, colours and styles, and their words in nine languages and four scripts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black")
STYLES = ("plain", "striped", "dotted", "checked")
OBJECTS_A_TOPIC = 3


@dataclass(frozen=True)
class Language:
    """A language's words, each tuple in the order of the English one, and how they are put together."""

    code: str
    slots: int
    countries: tuple[str, str, str]
    currency: str
    noun_first: bool
    spaced: bool
    topics: tuple[str, ...]
    objects: tuple[str, ...]
    colors: tuple[str, ...]
    styles: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    """The words between commas, in composed form, so that normalising a query leaves them alone."""
    return tuple(unicodedata.normalize("NFKC", word.strip()) for word in text.split(","))


ENGLISH = Language(
    "en",
    slots=8,
    countries=("US", "GB", "IN"),
    currency="USD",
    noun_first=False,
    spaced=True,
    topics=_words("home decor, kitchen, fashion, accessories, garden, baking, recipes, toys, travel, music, pets, vehicles"),
    objects=_words(
        "vase, lamp, mirror, teapot, pan, mug, dress, skirt, jacket, handbag, hat, boot, tree, flower, bench, cake, cookie, bread,"
        "pizza, soup, sandwich, kite, ball, robot, boat, tent, suitcase, guitar, drum, piano, cat, dog, fish, car, bicycle, train"
    ),
    colors=COLORS,
    styles=STYLES,
)
GERMAN = Language(
    "de",
    slots=2,
    countries=("DE", "AT", "CH"),
    currency="EUR",
    noun_first=True,
    spaced=True,
    topics=_words("Wohndeko, Küche, Mode, Accessoires, Garten, Backen, Rezepte, Spielzeug, Reisen, Musik, Haustiere, Fahrzeuge"),
    objects=_words(
        "Vase, Lampe, Spiegel, Teekanne, Pfanne, Becher, Kleid, Rock, Jacke, Handtasche, Hut, Stiefel, Baum, Blume, Gartenbank, Kuchen,"
        "Keks, Brot, Pizza, Suppe, Sandwich, Drachen, Ball, Roboter, Boot, Zelt, Koffer, Gitarre, Trommel, Klavier, Katze, Hund, Fisch,"
        "Auto, Fahrrad, Zug"
    ),
    colors=_words("rot, orange, gelb, grün, blau, lila, rosa, schwarz"),
    styles=_words("einfarbig, gestreift, gepunktet, kariert"),
)
FRENCH = Language(
    "fr",
    slots=2,
    countries=("FR", "BE", "CA"),
    currency="EUR",
    noun_first=True,
    spaced=True,
    topics=_words(
        "déco maison, cuisine, mode, accessoires, jardin, pâtisserie, recettes, jouets, voyage, musique, animaux de compagnie, véhicules"
    ),
    objects=_words(
        "vase, lampe, miroir, théière, poêle, tasse, robe, jupe, veste, sac à main, chapeau, botte, arbre, fleur, banc, gâteau, biscuit,"
        "pain, pizza, soupe, sandwich, cerf-volant, ballon, robot, bateau, tente, valise, guitare, tambour, piano, chat, chien, poisson,"
        "voiture, vélo, train"
    ),
    colors=_words("rouge, orange, jaune, vert, bleu, violet, rose, noir"),
    styles=_words("uni, à rayures, à pois, à carreaux"),
)
SPANISH = Language(
    "es",
    slots=2,
    countries=("ES", "MX", "AR"),
    currency="EUR",
    noun_first=True,
    spaced=True,
    topics=_words("decoración, cocina, moda, accesorios, jardín, repostería, recetas, juguetes, viajes, música, mascotas, vehículos"),
    objects=_words(
        "jarrón, lámpara, espejo, tetera, sartén, taza, vestido, falda, chaqueta, bolso, sombrero, bota, árbol, flor, banco, pastel,"
        "galleta, pan, pizza, sopa, sándwich, cometa, pelota, robot, barco, tienda de campaña, maleta, guitarra, tambor, piano, gato,"
        "perro, pez, coche, bicicleta, tren"
    ),
    colors=_words("rojo, naranja, amarillo, verde, azul, morado, rosa, negro"),
    styles=_words("liso, a rayas, de lunares, a cuadros"),
)
PORTUGUESE = Language(
    "pt",
    slots=1,
    countries=("BR", "PT", "AO"),
    currency="BRL",
    noun_first=True,
    spaced=True,
    topics=_words(
        "decoração, cozinha, moda, acessórios, jardim, confeitaria, receitas, brinquedos, viagem, música, animais de estimação, veículos"
    ),
    objects=_words(
        "vaso, luminária, espelho, bule, frigideira, caneca, vestido, saia, jaqueta, bolsa, chapéu, bota, árvore, flor, banco, bolo,"
        "biscoito, pão, pizza, sopa, sanduíche, pipa, bola, robô, barco, barraca, mala, violão, tambor, piano, gato, cachorro, peixe,"
        "carro, bicicleta, trem"
    ),
    colors=_words("vermelho, laranja, amarelo, verde, azul, roxo, rosa, preto"),
    styles=_words("liso, listrado, de bolinhas, xadrez"),
)
JAPANESE = Language(
    "ja",
    slots=2,
    countries=("JP", "JP", "US"),
    currency="JPY",
    noun_first=False,
    spaced=False,
    topics=_words("インテリア, キッチン, ファッション, 小物, ガーデニング, お菓子作り, レシピ, おもちゃ, 旅行, 音楽, ペット, 乗り物"),
    objects=_words(
        "花瓶, ランプ, 鏡, ティーポット, フライパン, マグカップ, ワンピース, スカート, ジャケット, ハンドバッグ, 帽子, ブーツ, 木, 花,"
        "ベンチ, ケーキ, クッキー, パン, ピザ, スープ, サンドイッチ, 凧, ボール, ロボット, ボート, テント, スーツケース, ギター, 太鼓,"
        "ピアノ, 猫, 犬, 魚, 車, 自転車, 電車"
    ),
    colors=_words("赤い, オレンジの, 黄色い, 緑の, 青い, 紫の, ピンクの, 黒い"),
    styles=_words("無地の, ストライプ柄の, 水玉柄の, チェック柄の"),
)
CHINESE = Language(
    "zh",
    slots=1,
    countries=("CN", "TW", "SG"),
    currency="CNY",
    noun_first=False,
    spaced=False,
    topics=_words("家居装饰, 厨房, 时尚, 配饰, 花园, 烘焙, 食谱, 玩具, 旅行, 音乐, 宠物, 交通工具"),
    objects=_words(
        "花瓶, 台灯, 镜子, 茶壶, 平底锅, 马克杯, 连衣裙, 半身裙, 夹克, 手提包, 帽子, 靴子, 树, 花, 长椅, 蛋糕, 饼干, 面包, 披萨, 汤,"
        "三明治, 风筝, 球, 机器人, 小船, 帐篷, 行李箱, 吉他, 鼓, 钢琴, 猫, 狗, 鱼, 汽车, 自行车, 火车"
    ),
    colors=_words("红色, 橙色, 黄色, 绿色, 蓝色, 紫色, 粉色, 黑色"),
    styles=_words("纯色, 条纹, 波点, 格子"),
)
RUSSIAN = Language(
    "ru",
    slots=1,
    countries=("RU", "KZ", "DE"),
    currency="RUB",
    noun_first=True,
    spaced=True,
    topics=_words("декор дома, кухня, мода, аксессуары, сад, выпечка, рецепты, игрушки, путешествия, музыка, питомцы, транспорт"),
    objects=_words(
        "ваза, лампа, зеркало, чайник, сковорода, кружка, платье, юбка, куртка, сумка, шляпа, сапог, дерево, цветок, скамейка, торт,"
        "печенье, хлеб, пицца, суп, сэндвич, воздушный змей, мяч, робот, лодка, палатка, чемодан, гитара, барабан, пианино, кошка,"
        "собака, рыба, машина, велосипед, поезд"
    ),
    colors=tuple(f"{c} цвета" for c in "красного оранжевого жёлтого зелёного синего фиолетового розового чёрного".split()),
    styles=_words("без узора, в полоску, в горошек, в клетку"),
)
HINDI = Language(
    "hi",
    slots=1,
    countries=("IN", "IN", "NP"),
    currency="INR",
    noun_first=False,
    spaced=True,
    topics=_words("घर की सजावट, रसोई, फैशन, सहायक वस्तुएँ, बगीचा, बेकिंग, व्यंजन, खिलौने, यात्रा, संगीत, पालतू जानवर, वाहन"),
    objects=_words(
        "फूलदान, दीपक, दर्पण, चायदानी, कड़ाही, मग, पोशाक, स्कर्ट, जैकेट, हैंडबैग, टोपी, जूता, पेड़, फूल, बेंच, केक, बिस्कुट, रोटी, पिज़्ज़ा,"
        "सूप, सैंडविच, पतंग, गेंद, रोबोट, नाव, तंबू, सूटकेस, गिटार, ढोल, पियानो, बिल्ली, कुत्ता, मछली, कार, साइकिल, रेलगाड़ी"
    ),
    colors=_words("लाल, नारंगी, पीला, हरा, नीला, बैंगनी, गुलाबी, काला"),
    styles=_words("सादा, धारीदार, बिंदीदार, चारखाने"),
)

LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH, PORTUGUESE, JAPANESE, CHINESE, RUSSIAN, HINDI)
TOPICS, OBJECTS = ENGLISH.topics, ENGLISH.objects

# A slot is one of twenty equal shares of the lake: eight are English. The number of a slot's language, by slot.
SLOT_LANGUAGES = tuple(number for number, language in enumerate(LANGUAGES) for _ in range(language.slots))
SLOTS = len(SLOT_LANGUAGES)
FIRST_SLOTS = tuple(SLOT_LANGUAGES.index(number) for number in range(len(LANGUAGES)))
