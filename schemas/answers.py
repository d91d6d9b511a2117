"""A model's words, asked once for every distinct input and kept."""

from schemas.contract import ANSWER_KEY, ANSWERS, Column, Table

CAPTIONS = Table(
    name="answers.captions",
    kind=ANSWERS,
    doc="A vision-language model's words for an image; the input is the image's bytes, so an image shared by many pins is captioned once.",
    key=ANSWER_KEY,
    columns=(Column("caption", "string", "what the model says is on the image", maximum=1_000),),
)

TEACHER = Table(
    name="answers.teacher",
    kind=ANSWERS,
    doc="A teacher's probabilities of the grades 1 .. 5 for a query and a text; the input is both, exactly as they are given to it.",
    key=ANSWER_KEY,
    columns=(Column("probabilities", "array<float>", "of the grades 1 .. 5", minimum=5, maximum=5),),
)

TEXT_EMBEDDINGS = Table(
    name="answers.text_embeddings",
    kind=ANSWERS,
    doc="An encoder's vector of a text; the input is the text and its role, since encoders may read queries and documents differently.",
    key=ANSWER_KEY,
    columns=(Column("vector", "array<float>", "of length 1, as many numbers as the encoder has", minimum=1),),
)

EMBEDDINGS = Table(
    name="answers.embeddings",
    kind=ANSWERS,
    doc="The joint embedding's vector of a query, or of what is read of a pin or product; the input is exactly that.",
    key=ANSWER_KEY,
    columns=(Column("vector", "array<float>", "of length 1", minimum=1),),
)

TABLES = (CAPTIONS, TEACHER, TEXT_EMBEDDINGS, EMBEDDINGS)
