"""A model's words, asked once for every distinct input and kept."""

from schemas.contract import ANSWER_KEY, ANSWERS, Column, Table

CAPTIONS = Table(
    name="answers.captions",
    kind=ANSWERS,
    doc="A vision-language model's words for an image; the input is the image's bytes, so an image shared by many pins is captioned once.",
    key=ANSWER_KEY,
    columns=(Column("caption", "string", "what the model says is on the image", maximum=1_000),),
)

TABLES = (CAPTIONS,)
