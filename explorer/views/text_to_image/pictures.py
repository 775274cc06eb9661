"""The text-to-image view: from its state to what is drawn.

A state asks for one or more `Batch`es, each drawn together; `run` goes through them and hands every step to a callback.
"""

import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from explorer import checkpoints, geometry, imaging, presets
from explorer.errors import UnknownName
from explorer.generators import samplers
from explorer.state import MOST_SEED, StateError
from explorer.views import films, points
from explorer.views.drawn import Drawn
from explorer.views.text_to_image import starts

TITLE = "Text to image"
KEYS = frozenset({"image_size", "seed", "to", "t", "time", "kind", "closed", "start", "stop", "frames", "n", "steps", "prompt",
                  "to_prompt", "below_prompt", "below_to_prompt", "via_prompts", "negative_prompt", "guidance_scale",
                  *points.GUIDANCE, *starts.KEYS}) | films.KEYS  # fmt: skip
WHATS = ("picture", "strip", "plane", "grid", "steps", "trajectory", "strengths")
COMPARED = (5, 10, 15, 20, 25)
STRENGTHS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_STEPS = 100
MOST_WORK = 3000  # pictures times steps of one run
MOST_SIDE = 7  # of a plane, or of pictures from one seed after the other
TOGETHER = 9  # pictures in a batch, if the card does not say
PROMPTS = ("prompt", "to_prompt", "below_prompt", "below_to_prompt")


@dataclass(frozen=True)
class Batch:
    """Pictures drawn together: where they stand among all, their titles, noise (n, h, w, c), embeddings of n prompts, steps, and
    what they are drawn over, if there is something: `image`, `strength` and `mask` as `decode` takes them."""

    first: int
    titles: tuple
    noise: np.ndarray
    embeddings: geometry.Embeddings
    steps: int
    over: dict = field(default_factory=dict)

    @property
    def gone(self):
        """How many of the steps there are."""
        return steps_gone(self.steps, self.over.get("strength", 1.0))


def steps_gone(steps, strength):
    """How many of the steps of a whole way follow a picture that is noised as `strength` says."""
    return steps - samplers.first_step(steps, strength)


def is_here():
    """Whether there is a model that reads prompts."""
    return any(map(reads, checkpoints.models()))


def reads(card):
    """Whether a card's model is shown in this view."""
    return "prompts" in card


def default_model():
    """The first text-to-image model; UnknownName if none is there."""
    for card in checkpoints.models():
        if reads(card):
            return card["name"]
    raise UnknownName(
        "there is no text-to-image model in checkpoints/: train one with `python -m explorer train stable_diffusion_3_tiny`"
    )


def elsewhere(state):
    """Whether the state's model is one that does not ship."""
    name = state.get("model") or ""
    return presets.known(name) and name not in checkpoints.names()


def card_of(state):
    """The card of the state's model. Raises PresetError for one that does not ship and has not been loaded: nothing is fetched for
    a link's sake."""
    if elsewhere(state):
        return presets.opened(state["model"], state.get("image_size")).card
    return checkpoints.card(state.get("model") or default_model())


def generator_of(state):
    """The generator of a complete state; raises as `card_of` does."""
    return presets.opened(state["model"], state.get("image_size")) if elsewhere(state) else checkpoints.load(state["model"])


def complete(state):
    """A state with the defaults of its model filled in; StateError says what does not fit it.

    Raises UnknownName for an unknown model, CheckpointError for a damaged card, and as `card_of` does.
    """
    card = card_of(state)
    if not reads(card):
        raise StateError(f"{card['name']} knows no words: the text-to-image view needs a text-to-image model", "model")
    _check_ends(state)
    side = card["image_shape"][0]
    if not elsewhere(state) and state.get("image_size", side) != side:
        raise StateError(f"{card['name']} draws pictures of {side} pixels: image_size must be {side}, or be left out", "image_size")
    full = {"view": "text-to-image", "what": "picture", "model": card["name"], "negative_prompt": "",
            "seed": card.get("start_seed", 0), "kind": "slerp", "closed": False, "start": 0.0, "stop": 1.0, "frames": 9, "n": 4,
            **dict(zip(PROMPTS, card["prompts"], strict=True)), **card["sampling"]} | state  # fmt: skip
    full = points.with_guidance(full)
    if not 1 <= full["steps"] <= MOST_STEPS:
        raise StateError(f"steps must be a whole number from 1 to {MOST_STEPS} for {card['name']}, got {full['steps']}", "steps")
    if not 2 <= full["n"] <= MOST_SIDE:
        raise StateError(f"n must be a whole number from 2 to {MOST_SIDE} pictures along a side, got {full['n']}", "n")
    if "to" in full and (len(full["to"]) != 1 or full["to"][0] < 0 or full["to"][0] % 1):
        raise StateError("to must be one seed, a whole number from 0, in the text-to-image view", "to")
    if len(full.get("t", (0,))) != 1 or full.get("t", (0,))[0] < 0:
        raise StateError("t must be one number from 0 to 1, between prompt and to_prompt", "t")
    if "time" in full and full["what"] != "picture":
        raise StateError("time says at how much noise one picture is shown: it goes with what=picture", "time")
    starts.complete(full)
    if (full["what"] == "trajectory" or "time" in full) and not steps_gone(full["steps"], full.get("strength", 1.0)):
        raise StateError("at strength 0 nothing is drawn, and there is no step to be shown", "strength")
    squares = dict.fromkeys(("plane", "grid"), full["n"] ** 2)
    together = {"strip": full["frames"], **squares, "strengths": len(STRENGTHS)}.get(full["what"], 1)
    if together * full["steps"] > MOST_WORK:
        work = f"{together} pictures of {full['steps']} steps"
        key = next((key for key in ("steps", "frames", "n") if key in state), "what")
        raise StateError(f"{work} are too much work: at most {MOST_WORK} steps in all", key)
    return full


def _check_ends(state):
    """StateError for a way that begins at a prompt of the state's and would end at the card's, which nobody asked for.

    A state that names neither gets the card's own. So does one with what, model and seed: the page once wrote these into every
    link, and left out a prompt that was the card's.
    """
    if {"what", "model", "seed"} <= set(state):
        return
    what, named = state.get("what", "picture"), [key for key in PROMPTS if key in state]
    if what == "plane" and 0 < len(named) < len(PROMPTS):
        missing = ", ".join(key for key in PROMPTS if key not in named)
        raise StateError(
            f"a plane needs a prompt at each of its corners, or none for the model's own: {missing} is missing", "what"
        )
    if what in ("strip", "picture", "trajectory") and "prompt" in named and "to_prompt" not in named:
        if what == "strip":
            raise StateError("a walk from a prompt needs a second one: to_prompt", "what")
        if "t" in state:
            raise StateError("t lies on the way from prompt to a second one: to_prompt", "t")


def noises(generator, state, positions):
    """The noise at each position of the way: the seed's, or on the way to that of `to`."""
    here = generator.prior(1, state["seed"])
    if "to" not in state:
        return here.repeat(len(positions), 0)
    # spherical, since a mean of two noises is too quiet to be noise
    return geometry.Path(here[0], generator.prior(1, int(state["to"][0]))[0], "slerp").at(positions)


def way(generator, state, kind):
    """The path of embeddings from `prompt` through `via_prompts` to `to_prompt`."""
    prompts = [state["prompt"], *state.get("via_prompts", ()), state["to_prompt"]]
    return geometry.Path.through(generator.embed(prompts, state["negative_prompt"]), kind, state["closed"])


def seeds_of(state):
    """The seeds of a grid: n x n of them, from the state's on."""
    return [(state["seed"] + i) % (MOST_SEED + 1) for i in range(state["n"] ** 2)]


def batches(generator, state, start=None):
    """What a complete state draws, in batches that fit the memory; over `start`, or over the state's own if it names one."""
    embed = lambda key: generator.embed(state[key], state["negative_prompt"])  # noqa: E731
    what, over = state["what"], {}
    if "image" in state:
        start = start or starts.of(state, generator.image_shape)
        over = {"image": start.image, "strength": state["strength"], "mask": start.mask}
    if what in ("steps", "strengths"):
        noise, embeddings = noises(generator, state, [0.0]), embed("prompt")
        if what == "strengths":
            return [Batch(i, (f"{strength}",), noise, embeddings, state["steps"], {**over, "strength": strength})
                    for i, strength in enumerate(STRENGTHS)]  # fmt: skip
        return [Batch(i, (f"{steps} steps",), noise, embeddings, steps, over) for i, steps in enumerate(COMPARED)]
    if what == "plane":
        plane = geometry.Plane.corners(*map(embed, PROMPTS), kind=state["kind"])
        noise, embeddings = generator.prior(1, state["seed"]).repeat(state["n"] ** 2, 0), plane.grid(state["n"])
        titles = [""] * len(noise)
    elif what == "grid":
        seeds = seeds_of(state)
        noise = np.concatenate([generator.prior(1, seed) for seed in seeds])
        embeddings = geometry.Embeddings(*(part.repeat(len(seeds), 0) for part in embed("prompt")))
        titles = [f"seed {seed}" for seed in seeds]
    elif what == "strip" or "t" in state:
        path = way(generator, state, state["kind"])
        positions = path.positions(state["frames"], state["start"], state["stop"]) if what == "strip" else np.array(state["t"])
        noise, embeddings = noises(generator, state, positions), path.at(positions)
        titles = [f"t {t:.3g}" for t in positions]
    else:
        noise, embeddings, titles = noises(generator, state, [0.0]), embed("prompt"), [state["prompt"]]
    size = generator.card.get("batch", TOGETHER)
    found = []
    for i in range(0, len(noise), size):
        some = slice(i, i + size)
        cut = geometry.Embeddings(*(part[some] for part in embeddings))
        found.append(Batch(i, tuple(titles[some]), noise[some], cut, state["steps"], over))
    return found


def guidance(state):
    """How a complete state's sampling is guided, as `decode` takes it."""
    return {key: state[key] for key in ("guidance_scale", *points.GUIDANCE)}


def run(state, callback=None, generator=None, keep=np.asarray, start=None):
    """Draw what a complete state asks for, over `start` if it is given: float32 (n, h, w, 3), or what `keep` makes of each batch.
    `callback(batch, step)` at every step; what it raises ends it."""
    generator = generator or generator_of(state)
    found = []
    for batch in batches(generator, state, start):
        tell = None if callback is None else (lambda step, batch=batch: callback(batch, step))
        found.append(keep(generator.decode(batch.noise, batch.embeddings, steps=batch.steps, callback=tell, **guidance(state),
                                           **batch.over)))  # fmt: skip
    return np.concatenate(found)


def pictures(state, moving=False, start=None):
    """What a complete state shows, as `Drawn`; `start`: what one picture is drawn over, instead of the state's image."""
    shape, what = tuple(card_of(state)["image_shape"]), state["what"]
    counts = {"strip": state["frames"], "plane": state["n"] ** 2, "grid": state["n"] ** 2, "steps": len(COMPARED),
              "strengths": len(STRENGTHS), "trajectory": steps_gone(state["steps"], state.get("strength", 1.0))}  # fmt: skip
    count = counts.get(what, 1)
    columns = state["n"] if what in ("plane", "grid") else count
    size = max(shape[0], 256 if moving else 512 if columns == 1 else 128)
    make = film if what == "trajectory" else at_time if "time" in state else partial(run, keep=imaging.to_bytes, start=start)
    latents = latents_of_film if what == "trajectory" else start_points
    return Drawn(lambda: make(state), count, shape, columns, size=size, moves=what in ("strip", "trajectory"),
                 latents=lambda: latents(state), evaluations=evaluations(state))  # fmt: skip


def evaluations(state):
    """How often the network is asked for what a complete state shows, each picture for itself: with the prompt and without."""
    what, strength = state["what"], state.get("strength", 1.0)
    pictures = {"strip": state["frames"], "plane": state["n"] ** 2, "grid": state["n"] ** 2}.get(what, 1)
    ways = {"steps": [(steps, strength) for steps in COMPARED], "strengths": [(state["steps"], one) for one in STRENGTHS]}
    return 2 * pictures * sum(steps_gone(*way) for way in ways.get(what, [(state["steps"], strength)]))


def start_points(state):
    """What each picture of a complete state is drawn from: its noise `z` (n, ...), and the `Embeddings` of its prompt by name."""
    found = batches(generator_of(state), state)
    names, parts = geometry.Embeddings._fields, zip(*(batch.embeddings for batch in found), strict=True)
    told = {name: np.concatenate(part) for name, part in zip(names, parts, strict=True)}
    over = {key: part for key, part in found[0].over.items() if key != "strength" and part is not None}
    if over:
        over["strength"] = np.concatenate([np.full(len(batch.noise), batch.over["strength"]) for batch in found])
    return {"z": np.concatenate([batch.noise for batch in found]), **told, **over}


def latents_of_film(state):
    """The latents of `film`: after every step `x_t`, and `x_0` that is expected, float32 (steps, h, w, c)."""
    steps = []
    run({**state, "what": "picture"}, lambda batch, step: steps.append((step.x_t[0], step.x_0[0])))
    return dict(zip(("x_t", "x_0"), map(np.stack, zip(*steps, strict=True)), strict=True))


def film(state):
    """The predicted picture after every step: uint8 (steps, h, w, 3)."""
    generator, frames = generator_of(state), []
    run({**state, "what": "picture"}, lambda batch, step: frames.append(generator.preview(step.x_0)[0]), generator)
    return imaging.to_bytes(np.stack(frames))


def at_time(state):
    """What the picture is expected to be at the step whose noise is nearest to the state's `time`: uint8 (1, h, w, 3)."""
    generator, steps = generator_of(state), []
    run(state, lambda batch, step: steps.append((abs(step.noise_rate - state["time"]), step.x_0)), generator)
    return imaging.to_bytes(np.asarray(generator.preview(min(steps, key=lambda step: step[0])[1])))


def norms(generator, state, n=33):
    """Why slerp: the norms of both kinds of path between two prompts, over those of their start.

    {"linear": (n,), "slerp": (n,)} of the sequence, by way of the stops of a walk, and the angle between the ends in degrees.
    """
    stops = generator.embed([text for key, text in prompts_of(state).items() if not key.startswith("below")], "").sequence
    ends = stops[0], stops[-1]
    length = [float(np.linalg.norm(end)) for end in ends]
    found = {kind: [float(np.linalg.norm(point) / length[0]) for point in geometry.Path.through(stops, kind).points(n)]
             for kind in geometry.KINDS}  # fmt: skip
    cosine = np.vdot(*ends) / np.prod(length)
    return found, float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def prompts_of(state):
    """A complete state's prompts by key, the stops of a walk as "via_prompts 1" and so on where they stand: {key: text}."""
    stops = state.get("via_prompts", ()) if state["what"] == "strip" or "t" in state else ()
    told = {"prompt": state["prompt"]} | {f"via_prompts {i}": stop for i, stop in enumerate(stops, 1)}
    return told | {key: state[key] for key in PROMPTS[1:]}


def cut_off(generator, state):
    """Where a state's prompts are longer than the model reads: {key: (the last word that it reads or "", what it does not)}, the
    key as in `prompts_of`."""
    found = {}
    for key, text in {**prompts_of(state), "negative_prompt": state["negative_prompt"]}.items():
        read = generator.read_part(text)
        if rest := text[len(read) :].strip():
            found[key] = (read.split()[-1] if read else "", rest)
    return found


def strange(text, vocabulary):
    """The words of a text that a model never saw, in their order, each once."""
    known = set(vocabulary) | {part for word in vocabulary for part in re.split(r"['-]", word)}
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())
    return list(dict.fromkeys(word for word in words if word not in known and not set(re.split(r"['’-]", word)) <= known))
