"""What scripts and agents ask: ten named endpoints of the page's server, for `gradio_client`, curl and, with `app.py --mcp`, MCP.

Each is a state, made of its arguments, and the file that `views/calls.py` writes for that state, so that a picture is that of its
link. A signature gives an endpoint its types, a docstring what it says of itself: Gradio reads one line an argument below "Args:",
and all below "Returns:". What may be told is raised as `Refused`, a `gr.Error`.
"""

import base64
import functools
import os
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import gradio as gr
from gradio.components.api_component import Api
from gradio.route_utils import API_PREFIX, get_root_url
from gradio.utils import get_function_description, get_function_params, get_upload_folder
from gradio_client.utils import python_type_to_json_schema

from explorer import checkpoints, imaging, paper, views
from explorer.errors import ExplorerError, InputError
from explorer.generators.samplers import STRENGTH
from explorer.serving import uploads
from explorer.serving.calls import answered, in_turn
from explorer.state import StateError, parse_strictly, text
from explorer.views import calls as common
from explorer.views.diffusion.calls import squared
from explorer.views.faces.calls import encode_photo
from explorer.views.latent_plane.calls import encode_picture
from explorer.views.text_to_image.calls import file_over
from explorer.views.text_to_image.pictures import cut_off, generator_of

KEPT = (600, 1800)  # seconds: how often the files of answers are looked through, and from which age they are deleted
SURE = 0.01  # the least probability that a verdict names


def list_models():
    """Lists the models, to be named as `model` in the other tools.

    Returns:
        For each model its name, kind (ae, vae, gan, diffusion, text-to-image), title, licence
        the shapes of latent and picture and the views that show it
        classes or attributes where it knows some
    """
    keys = ("name", "kind", "title", "latent_shape", "image_shape", "views", "licence")
    found = []
    for card in checkpoints.models():
        named = "attributes" if card.get("attributes") else "classes" if card.get("conditional") else None
        known = {"views": ["latent-plane", "morph"], **card}
        found.append({key: known[key] for key in keys} | ({named: card[named]} if named else {}))
    return found


def render(request: gr.Request, link: str):
    """Draws the picture that a link stands for, byte for byte the one that came with the link. Example: model=mnist-vae&z=0.5,-1

    Args:
        link: an address of the page, or what stands in it after ?, as other tools return it; size=16 to size=1024 in it enlarges

    Returns:
        The picture (PNG) and its link
    """
    return _drawn(request, link)


def film(request: gr.Request, link: str, ending: Literal["gif", "mp4"] = "gif"):
    """Makes a film of a link that shows a walk (what=strip in it) or a sampling (what=trajectory).

    Example: model=mnist-vae&what=strip&from=0,0&to=2,1&frames=16

    Args:
        link: as of render, with what=strip or what=trajectory, and frames=2 to frames=600 within 70 megapixels in all
        ending: gif or mp4

    Returns:
        The film and its link
    """
    return _drawn(request, link, ending)


def decode(
    request: gr.Request,
    model: str = "mnist-vae",
    z: list[float] | None = None,
    seed: int | None = None,
    label: int | None = None,
    size: int | None = None,
):
    """Draws what a model makes of one point of its latent space, given by its coordinates or drawn by a seed.

    Examples: model mnist-vae, z [0.5, -1]; model flowers-diffusion, seed 7; model fashion-cgan, seed 3, label 8 (a bag)

    Args:
        model: a name of list_models
        z: the coordinates, as many as latent_shape says, each from -1000 to 1000; of a diffusion or text-to-image model none
        seed: draws the point instead, as the model was trained to be fed: 0 to 4294967295
        label: the class, of a model that has classes: from 0, in the order of list_models
        size: pixels along the picture's side, 16 to 1024

    Returns:
        The picture (PNG) and its link
    """
    _one_of(z=z, seed=seed)
    return _drawn(request, _query(model=model, z=z, seed=seed, label=label, size=size))


def encode(request: gr.Request, picture: bytes, model: str = "mnist-vae"):
    """Finds the point of a model's latent space that stands for a picture: a drawn digit, a garment, or a photo of a face.

    The picture is framed as the model's data is, so any drawing or photo of one thing will do. Nothing
    of it is kept.

    Args:
        picture: any picture of at most 25 MB: a file (handle_file of gradio_client) or a data URL
        model: one with an encoder, such as mnist-vae, fashion-vae-10d, celeba-vae (which finds the face)

    Returns:
        z, and sigma, how unsure the encoder is of each of its numbers (of a digit or garment)
        lost, how far the reconstruction is off (root mean square in [0, 1]), and of a face where it was found (crop)
        the reconstruction (PNG) and its link, which holds z
    """
    found = _encoded(picture, model)
    told = {key: found[key] for key in ("z", "sigma", "lost", "ssim", "crop", "certainty", "note", "problem") if found.get(key)}
    return told, *_drawn(request, _query(model=model, z=found["z"]))


def edit_face(
    request: gr.Request,
    attributes: dict[str, float],
    picture: bytes | None = None,
    seed: int | None = None,
    face: int | None = None,
    hold: list[str] | None = None,
    model: str = "celeba-vae",
    more: list[int | str] | None = None,
    less: list[int | str] | None = None,
):
    """Changes a face: more or less of a smile, glasses, age and so on.

    Examples: attributes {"Smiling": 1.5, "Eyeglasses": -1}, seed 7; attributes {"yours": 1}, more ["g3", "g7"], less ["g1", "g2"]

    Args:
        attributes: names as in list_models and how much of each is added, -10 to 10; 1 to 3 is plain to see
        picture: a photo with a face in it, a file or a data URL, or
        seed: draws a face, 0 to 4294967295, or
        face: takes one of the model's gallery, from 0
        hold: names of attributes that are to stay as they are
        model: a model of faces
        more: up to twelve faces, seeds (7) or of the gallery ("g12"), to which a direction leads: "yours" in attributes
        less: faces from which it leads

    Returns:
        The picture (PNG) and its link, which of a photo holds the face's encoding
    """
    _one_of(picture=picture, seed=seed, face=face)
    z = _encoded(picture, model)["z"] if picture else None
    state = {"view": "faces", "model": model, "z": z, "seed": seed, "face": face, "attributes": attributes, "hold": hold}
    return _drawn(request, _query(**state, more=_places("more", more), less=_places("less", less)))


def morph(
    request: gr.Request,
    corners: list[int | str],
    model: str = "celeba-vae",
    what: Literal["picture", "strip", "grid"] = "picture",
    t: float | None = None,
    frames: int | None = None,
    kind: Literal["linear", "slerp"] = "linear",
    even: bool = False,
    closed: bool = False,
    label: int | None = None,
    via: list[int | str] | None = None,
):
    """Draws what lies between two pictures of a model, among four, or at A - B + C of three.

    Examples: corners [3, 7], t 0.25; corners ["g0", "g5"], what strip; corners [1, 2, 3, 4], what grid. The link of a strip makes a
    film.

    Args:
        corners: two to four places: seeds (7), pictures of the gallery ("g12") or coordinates ("0.5,-1")
        model: one whose latents are vectors, with morph among its views
        what: picture (one, at t), strip (the way between two, or A, B, C and A - B + C) or grid (the sheet among four)
        t: of a picture between two corners, 0 to 1
        frames: of a strip, 2 to 600
        kind: of the way: linear or slerp (spherical)
        even: whether a strip's pictures are evenly spaced by how much changes
        closed: whether a strip leads back to its beginning
        label: the class, of a model that has classes
        via: up to ten places, as the corners, through which the way between two leads

    Returns:
        The picture (PNG) and its link
    """
    if not isinstance(corners or [], list):
        raise InputError(f"corners must be a list of 2 to 4 places, got {corners!r:.40}")
    told = {"model": model, "what": what, "t": t, "frames": frames, "kind": kind, "even": even, "closed": closed, "label": label}
    return _drawn(request, _query(view="morph", corners=_places("corners", corners or []), via=_places("via", via), **told))


def draw_prompt(
    request: gr.Request,
    prompt: str,
    negative_prompt: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance_scale: float | None = None,
    size: int | None = None,
    model: str | None = None,
    image: str | None = None,
    strength: float | None = None,
    margin: float | None = None,
    picture: bytes | None = None,
    mask: bytes | None = None,
):
    """Draws a picture of what a text says, or draws over one. The model that ships knows faces, flowers, digits and clothes.

    Examples: "a photo of a sunflower"; "a portrait of a smiling woman with glasses"; "the handwritten digit seven"; over a face,
    prompt "a portrait of a man with glasses", image celeba-vae:g3, strength 0.7

    Args:
        prompt: what to see: at most 1,000 characters, of which the model reads some twenty words
        negative_prompt: what not to see
        seed: of the noise that it is drawn from, 0 to 4294967295
        steps: of the sampling, 1 to 100; 28 unless the model says otherwise, and time grows with them
        guidance_scale: how strongly to follow the text, 0 to 30
        size: pixels along the picture's side, 16 to 1024
        model: a text-to-image model; the one that ships, if none is named
        image: what is drawn over, a picture of another model: its name and a seed or a picture of its gallery, as in celeba-vae:g3
        strength: how far that is changed, 0 to 1; 0.6 unless it is said
        margin: so much of a side it is moved in from each edge, 0 to 0.4, and what lies outside is drawn
        picture: what is drawn over instead, of yours: a file or a data URL, of which the middle is taken
        mask: a picture that is white where it is to be drawn anew: the rest stays, to the pixel

    Returns:
        Where a prompt was cut, in words, as the model reads no more; empty if all was read
        the picture (PNG) and its link, which is empty where a picture or a mask was sent: no link holds these
    """
    told = {"model": model, "seed": seed, "prompt": prompt, "negative_prompt": negative_prompt, "guidance_scale": guidance_scale,
            "image": image, "strength": strength, "margin": margin, "steps": steps, "size": size}  # fmt: skip
    if not picture and not mask:
        return _read(request, _query(view="text-to-image", **told))
    told["strength"] = STRENGTH if strength is None else strength
    query = _query(view="text-to-image", **told)
    sent = {key: base64.b64encode(file).decode() for key, file in (("picture", picture), ("mask", mask)) if file}
    return _cut(query), _kept(_told(file_over({"query": query, **sent}))), ""


def walk_prompts(
    request: gr.Request,
    prompt: str,
    to_prompt: str,
    ending: Literal["gif", "mp4", "png"] = "gif",
    frames: int = 9,
    kind: Literal["slerp", "linear"] = "slerp",
    start: float = 0.0,
    stop: float = 1.0,
    closed: bool = False,
    negative_prompt: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance_scale: float | None = None,
    model: str | None = None,
    via_prompts: list[str] | None = None,
):
    """Draws the way from one text to another, all from the same noise, as a film or as a strip of pictures.

    Example: from "a portrait of a smiling woman" to "a photo of a sunflower", frames 16, ending mp4

    Args:
        prompt: where the way begins
        to_prompt: where it ends
        ending: gif or mp4 (films), or png (the pictures side by side)
        frames: 2 to 600; frames times steps may be 3,000
        kind: of the way between the two embeddings: slerp (spherical) or linear
        start: of the part of the way that is shown, 0 to 1
        stop: where that part ends, 0 to 1
        closed: whether it leads back to its beginning
        negative_prompt: what not to see
        seed: of the noise, 0 to 4294967295
        steps: of the sampling, 1 to 100
        guidance_scale: how strongly to follow the texts, 0 to 30
        model: a text-to-image model; the one that ships, if none is named
        via_prompts: up to ten texts through which the way leads, in their order

    Returns:
        Where a prompt was cut, in words, as the model reads no more; empty if all was read
        the film or strip, and its link
    """
    stops = [" ".join(str(stop).split()) for stop in _listed("via_prompts", via_prompts) or ()]
    via = "\n".join(stops) or None  # a stop a line
    told = {"model": model, "frames": frames, "kind": kind, "start": start, "stop": stop, "closed": closed, "seed": seed,
            "prompt": prompt, "to_prompt": to_prompt, "negative_prompt": negative_prompt, "steps": steps,
            "guidance_scale": guidance_scale, "via_prompts": via}  # fmt: skip
    return _read(request, _query(view="text-to-image", what="strip", **told), ending)


def judge(
    request: gr.Request,
    by: Literal["digits", "fashion", "faces", "flowers"],
    link: str | None = None,
    picture: bytes | None = None,
):
    """Says what a classifier of this project sees in the pictures of a link, or in a picture of yours.

    Example: by digits, link model=mnist-vae&z=0.5,-1

    Args:
        by: digits, fashion (garments), faces (40 attributes, each for itself) or flowers (102 kinds)
        link: as of render, of one picture or of a strip, or
        picture: a file or a data URL, which is framed as the classifier's data is

    Returns:
        For each picture its classes with their probabilities, the likeliest first, from 0.01 on
        the link of what was judged, if there is one
    """
    if (link is None) == (picture is None):
        raise StateError("name either a link or a picture to be judged")
    written, verdicts = _judged(by, link, picture)
    return verdicts, "" if written is None else _link(request, written)


@in_turn
def _judged(by, link, picture):
    """The state of a link, written, or None, and what a judge sees in each picture: [{class: probability}]."""
    classifier, written = checkpoints.judge(by), None
    if picture:
        images = _framed(picture, classifier)[None]
    else:
        full = views.state_of(link)
        if full["what"] not in ("picture", "strip"):
            raise StateError(f"one picture or a strip is judged: what=picture or what=strip, got {full['what']}", "what")
        written = text(parse_strictly(link))
        images = imaging.to_bytes(views.of(full["view"]).pictures(full, False).make()) / 255  # as they stand in the file
    found = []
    for verdict in classifier(images):
        order = verdict.argsort()[::-1]
        found.append({classifier.classes[i]: round(float(verdict[i]), 3) for i in order if verdict[i] >= SURE})
    return written, found


def _framed(picture, classifier):
    """A picture file's bytes as a judge's data set frames them: float32 (h, w, c)."""
    file, shape, data = picture, classifier.image_shape, classifier.card["recipe"]["data"]
    if data in ("mnist", "fashion"):
        return paper.framed(file, shape, data)
    rgba = imaging.read_picture(file, imaging.LONGEST)
    if data == "celeba":
        place = checkpoints.judge("framing").find(rgba)
        return imaging.cut(rgba, (place.center_x, place.center_y), place.side, place.angle, shape[0])
    return squared(rgba, shape)


def _encoded(picture, model):
    """What the page is told of a picture that is encoded, as `encode_picture` and `encode_photo` say."""
    if not picture:
        raise InputError("picture must be a file, got none")
    file = base64.b64encode(picture).decode()
    model = str(model)
    encoder = encode_photo if checkpoints.card(model).get("attributes") else encode_picture
    return _told(encoder({"model": model, "picture": file}))


def _one_of(**given):
    """InputError where more than one is given of what each says by itself where a picture comes from: the others would be lost."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError(f"name one of {', '.join(given)}, got {' and '.join(named)}")


def _query(**parts):
    """The query string of a state with these values; None: left to the model or the view. What fits is said where it is read."""
    # half a surrogate, which no text has, is passed on to who says so
    return urlencode({key: _text(value) for key, value in parts.items() if value is not None}, errors="surrogatepass")


def _listed(name, values):
    """`values`; InputError for what is neither a list nor None."""
    if not isinstance(values, list | None):
        raise InputError(f"{name} must be a list, got {values!r:.40}")
    return values


def _places(name, places):
    """Places as they stand in a link; None for none."""
    return None if _listed(name, places) is None else ";".join(map(_text, places))


def _text(value):
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, dict):
        return ",".join(f"{name}:{amount}" for name, amount in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _drawn(request, query, ending="png"):
    """The path of the file that a state stands for, made as the page's downloads are, and its link."""
    answer = _told(common.export_file({"query": query, "ending": ending}))
    return _kept(answer), _link(request, answer["state"])


def _kept(answer):
    """The path of a file that was made."""
    os.makedirs(get_upload_folder(), exist_ok=True)
    # a folder of its own: who fetches one file never reads what another call is writing
    path = Path(tempfile.mkdtemp(dir=get_upload_folder()), Path(answer["name"]).name)
    path.write_bytes(base64.b64decode(answer["file"]))
    return str(path)


def _read(request, query, ending="png"):
    """What `_cut` and `_drawn` give."""
    path, link = _drawn(request, query, ending)
    return _cut(query), path, link


def _cut(query):
    """What is cut off of the prompts of a state, one sentence each."""
    full = views.state_of(query)
    said = []
    for key, (last, rest) in cut_off(generator_of(full), full).items():
        after = f"read up to “{last}”" if last else "cut within its first word"
        said.append(f"{key} is {after}, and “{rest}” is cut off: say it in fewer words.")
    return " ".join(said)


def _link(request, written):
    """The page's address with a state, as whoever asks has called this server."""
    root, prefix, route = request.url.path.partition(API_PREFIX)
    # Gradio hands on its own kind of request, and of a tool's call Starlette's
    return f"{get_root_url(getattr(request, 'request', request), prefix + route, root)}/?{written}"


def _told(answer):
    """The answer of a call of the page's; what it was refused with is raised."""
    if "error" in answer:
        raise ExplorerError(answer["error"])
    return answer


class Refused(gr.Error):
    """What whoever asked may be told, without a traceback in the log."""

    def __init__(self, message):
        super().__init__(message, print_exception=False)

    def __str__(self):  # what an agent reads; Gradio would put it into quotation marks
        return self.message


def taken(payload):
    """Bytes that came by the uploads' door, or as a data URL: never a file of the server's, nor what an address would bring."""
    try:
        return None if payload is None else uploads.take(str(payload))
    except ExplorerError as error:
        raise Refused(str(error)) from None


def asked(function):
    """An endpoint as Gradio calls it: errors become `Refused` with what the page would be told."""

    def call(arguments):
        return {"found": function(*arguments)}

    call.__name__ = function.__name__  # for the log
    guarded = answered(call)

    @functools.wraps(function)
    def ask(*arguments):
        answer = guarded(arguments)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["found"]

    return ask


def build():
    """Adds the endpoints, with components that nobody sees, to the Blocks that are being built.

    They wait in the page's own turns (`in_turn`) and not in Gradio's queue, from which Gradio 6.31 hands an agent pictures as text.
    """
    never = gr.Button(visible=False)
    picture = gr.Image(format="png", label="picture", visible=False)
    made = gr.File(label="film", visible=False)
    link, facts, code, cut = (Api(None, python_type_to_json_schema(hint), name) for name, hint in
                              (("link", str), ("facts", list[dict]), ("code", dict), ("cut", str)))  # fmt: skip
    outputs = {list_models: [facts], encode: [code, picture, link], judge: [facts, link]}
    outputs |= {film: [made, link], walk_prompts: [cut, made, link], draw_prompt: [cut, picture, link]}
    for function in ENDPOINTS:
        shown = outputs.get(function, [picture, link])
        never.click(asked(function), inputs(function), shown, queue=False, concurrency_limit=None, show_progress="hidden",
                    api_name=function.__name__)  # fmt: skip


def inputs(function):
    """Components for an endpoint's arguments: a picture where its signature has `bytes`, else a value of the signature's type."""
    _, words, _ = get_function_description(function)
    found = []
    for name, _, default, hint in get_function_params(function):
        if hint in (bytes, bytes | None):
            component = Api(None, {"type": "string"}, name)
            component.preprocess = taken
        else:
            component = Api(default, python_type_to_json_schema(hint), name)
        said = component.api_info() | {"additional_description": words[name]}
        component.api_info_as_input = lambda said=said: said
        found.append(component)
    return found


ENDPOINTS = (list_models, render, film, decode, encode, edit_face, morph, draw_prompt, walk_prompts, judge)
