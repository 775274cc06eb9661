"""The text-to-image view: pictures and walks of prompts, drawn step by step. The page's half is `text_view.js`."""

import copy
import functools
from pathlib import Path

import gradio as gr

from explorer import checkpoints, prompting
from explorer.state import StateError, parse, parse_strictly
from explorer.ui.latent_plane import answered, pixels
from explorer.ui.plane_view import export_file
from explorer.ui.runs import JOBS, run_news, stop_run

HERE = Path(__file__).parent
SCRIPTS = ("live.js", "view.js", "latent_plane.js", "run.js", "text_view.js")


@answered
def open_prompts(query):
    """What a page needs to show a query string: state, problems, the model, the names of all text-to-image models."""
    state, problems = parse(str(query))
    state["view"] = "text-to-image"
    try:
        full = prompting.complete(state)
    except (KeyError, ValueError) as error:
        problems.append(str(error.args[0]))
        full = prompting.complete({})
    models = [{"name": card["name"], "short": card["short"]} for card in checkpoints.models() if card["kind"] == "text-to-image"]
    shown = {key: list(value) if isinstance(value, tuple) else value for key, value in full.items()}
    return {"problems": problems, "model": describe(full["model"]), "models": models, "state": shown}


def describe(name):
    """What the page needs of a model's card."""
    card = checkpoints.card(name)
    return {key: card[key] for key in ("name", "image_shape", "sampling", "knows", "examples")} | {"code": code(card)}


def code(card):
    """The few lines that make the pictures; the page puts in prompts, noise and settings."""
    return f"""import explorer

model = explorer.load("{card["name"]}")  # a KerasHub task behind it: model.model
{{prompt}}
{{noise}}
pictures = model.decode(noise, prompt, {{settings}})  # float32 (n, {", ".join(map(str, card["image_shape"]))}) in [0, 1]
"""


@answered
def start_drawing(query):
    """Begin to draw what a query asks for -> {"job", "strange": {key of a prompt: words that the model never saw}}."""
    if not isinstance(query, str):
        raise StateError("a state is a string, as it stands after ? in the address")
    state = prompting.complete(parse_strictly(query))
    vocabulary = checkpoints.card(state["model"]).get("vocabulary")
    texts = {key: state[key] for key in (*prompting.PROMPTS, "negative_prompt")}
    strange = {key: prompting.strange(text, vocabulary) if vocabulary else [] for key, text in texts.items()}
    return {"job": JOBS.start(functools.partial(_draw, state=state)), "strange": strange}


def _draw(job, state):
    generator = taking_turns(checkpoints.load(state["model"]), job.turn)
    found = prompting.batches(generator, state)
    norms, angle = prompting.norms(generator, state)
    side = {"plane": state["n"], "steps": len(prompting.COMPARED)}.get(state["what"])
    job.report({
        "titles": [title for batch in found for title in batch.titles], "side": side, "norms": norms, "angle": angle,
        "total": sum(batch.steps for batch in found), "steps": state["steps"],
    })  # fmt: skip
    before = 0
    for batch in found:

        def callback(step, batch=batch, before=before):
            shown = [pixels(image) for image in generator.preview(step.x_0)]
            job.report(
                {"first": batch.first, "at": before + step.index + 1, "noise_rate": round(step.noise_rate, 3), "pictures": shown}
            )

        images = generator.decode(batch.noise, batch.embeddings, steps=batch.steps, guidance_scale=state["guidance_scale"],
                                  callback=callback)  # fmt: skip
        before += batch.steps
        job.report({"first": batch.first, "at": before, "drawn": True, "pictures": [pixels(image) for image in images]})


def taking_turns(generator, turn):
    """The generator, whatever is costly in it done within `turn()` only."""
    shared = copy.copy(generator)

    def in_turn(function):
        def wait(*arguments):
            with turn():
                return function(*arguments)

        return wait

    def velocity(*arguments):
        return in_turn(generator.velocity(*arguments))

    shared.velocity, shared.pictures, shared.embed = velocity, in_turn(generator.pictures), in_turn(generator.embed)
    return shared


SERVER_FUNCTIONS = [open_prompts, start_drawing, run_news, stop_run, export_file]


def build():
    """The view as one component."""
    script = "\n".join((HERE / file).read_text("utf-8") for file in SCRIPTS)
    gr.HTML(
        html_template=(HERE / "text_view.html").read_text("utf-8"), js_on_load=f"{script}\nstart();", apply_default_css=False,
        elem_id="text-to-image", server_functions=SERVER_FUNCTIONS,
    )  # fmt: skip
