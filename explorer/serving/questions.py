"""What the page's questions look like. A function's annotation says it, and `checked` sees to it before the function does: what is
malformed is told as the mistake of whoever asks."""

import functools
import inspect
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from explorer.errors import InputError
from explorer.imaging import MOST_BYTES
from explorer.state import MOST_QUERY, is_text

MOST_NAME = 1000  # characters
_MOST_FILE = MOST_BYTES * 4 // 3 + 1000  # ... of base64


def _query(asked):
    if not isinstance(asked, str):
        raise PydanticCustomError("query", "a state is a string, as it stands after ? in the address")
    if len(asked) > MOST_QUERY:
        raise PydanticCustomError("query", f"a state has at most {MOST_QUERY:,} characters")
    return _text(asked)


def _text(asked):
    if isinstance(asked, str) and not is_text(asked):
        raise PydanticCustomError("text", "this is no text: half of a pair of surrogates stands in it")
    return asked


Query = Annotated[str, BeforeValidator(_query)]  # a state, as it stands after ? in the address
Name = Annotated[str, Field(max_length=MOST_NAME), BeforeValidator(_text)]
File = Annotated[str, Field(max_length=_MOST_FILE)]  # base64 of it, or a data URL
Count = Annotated[int, Field(ge=0, lt=2**31)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**64)]


class Crop(BaseModel):
    """A square of a picture, in its pixels, and its angle in degrees."""

    x: FiniteFloat
    y: FiniteFloat
    side: FiniteFloat
    angle: FiniteFloat


class Exported(BaseModel):
    query: Query
    ending: Name


class Refined(BaseModel):
    query: Query
    first: Count = 0
    count: Count = 1


class Coded(BaseModel):
    text: Query


class Dropped(BaseModel):
    file: File


class Drawn(BaseModel):
    model: Name
    seed: Seed
    truncation: Annotated[float, Field(ge=0, le=1)] = 1.0


class Answered(BaseModel):
    """A point of a plane that is judged, and the class that was looked for, if one was."""

    model: Name
    z: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
    label: Annotated[int, Field(ge=0, le=255)] | None = None


class Pictured(BaseModel):
    model: Name
    picture: File


class Square(BaseModel):
    """A square of a page, in its pixels: its middle and its side."""

    x: FiniteFloat
    y: FiniteFloat
    side: FiniteFloat


class Page(Pictured):
    square: Square | None = None


class Photo(Pictured):
    crop: Crop | None = None


class Noised(BaseModel):
    query: Query
    picture: File


class Run(BaseModel):
    query: Query
    picture: File | None = None


class Over(BaseModel):
    """A picture that is to be drawn over, and another one, white where it is."""

    query: Query
    picture: File | None = None
    mask: File | None = None


class Framed(BaseModel):
    """A picture that is to be drawn over, and the square of it that somebody chose."""

    query: Query
    picture: File
    crop: Crop | None = None


class Looked(BaseModel):
    """A state that is looked at from within, and the pixels of the picture that goes in, base64 of uint8."""

    query: Query
    pixels: File | None = None


class Spoiled(BaseModel):
    noise: Name
    amount: FiniteFloat
    seed: Seed
    pixels: Annotated[str, Field(max_length=10_000)]


class Mapped(BaseModel):
    model: Name
    perplexity: FiniteFloat
    points: Seed


class Preset(BaseModel):
    name: Name
    image_size: Count | None = None


News = tuple[Name, Count]  # a job, and how many of its events were seen
Encoding = tuple[Name, Seed]  # a model, and the index of one of its encodings


def checked(function):
    """What makes a function's request one that fits the annotation of its first argument: plain values, without what nobody asked
    for. InputError says what does not fit; a function without annotation takes anything."""
    annotation = next(iter(inspect.signature(function).parameters.values())).annotation
    if annotation is inspect.Parameter.empty:
        return lambda request: request
    adapter = functools.cache(lambda: TypeAdapter(annotation))  # not before it is asked: the page is there sooner

    def check(request):
        try:
            found = adapter().validate_python(request)
        except ValidationError as error:
            raise InputError(_said(error, annotation)) from None
        except RecursionError:
            raise InputError("what was asked is nested too deeply") from None
        return found.model_dump(exclude_unset=True) if isinstance(found, BaseModel) else found

    return check


def _said(error, annotation):
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] in ("query", "text"):
        return first["msg"]
    if first["type"] == "model_type" and not first["loc"]:
        return f'what was asked must be an object, as in {{"{next(iter(annotation.model_fields))}": ...}}'
    place = ".".join(map(str, first["loc"])) or "what was asked"
    if first["type"] == "missing":
        return f"{place} is missing"
    return f"{place} {first['msg'].replace('Input should be', 'must be').replace('String should have', 'must have')}"
