"""\"As Keras code" as the page shows it: each view's snippet, in each of its modes, runs as it stands and gives the shown pixels.

The snippets are taken from the page; one process of Python runs them all, at the repository's root.
"""

import json

FACE = ",".join(["0.25", "-0.5"] * 100)
SNIPPETS = {  # a link -> the name under which its snippet has the pictures
    "view=latent-plane&model=mnist-vae&z=0.5,-1.25": "picture",
    "view=latent-plane&model=fashion-dcgan&seed=3": "picture",
    "view=latent-plane&model=fashion-cgan&label=3": "picture",
    "view=faces&face=3&attributes=Smiling:1.5,Male:-1&hold=Young": "picture",
    "view=faces&seed=7&truncation=0.6": "picture",
    f"view=faces&z={FACE}&attributes=Eyeglasses:1": "picture",
    "view=morph&what=strip&corners=g0;7&frames=4&even=1": "frames",
    "view=morph&what=strip&corners=3;4&kind=slerp&closed=1&start=0.2&stop=0.8&frames=5": "frames",
    "view=faces&face=3&more=g1;7;g5&less=g2;g9&direction=mine&attributes=mine:1.5,Male:-1&hold=Smiling,Young": "picture",
    "view=morph&what=strip&corners=3;g4&via=g1;5&kind=slerp&frames=5": "frames",
    "view=morph&what=strip&model=mnist-vae&corners=0.5,1;-1,0;3": "picture",
    "view=morph&what=grid&model=fashion-cgan&label=2&corners=1;2;3;4&n=3": "sheet",
    "view=diffusion&what=trajectory&model=flowers-diffusion&steps=2&seed=4": "picture",
    "view=diffusion&what=trajectory&model=flowers-diffusion&steps=2&to_sampler=ddpm": "pictures",
    "view=diffusion&what=strip&model=flowers-diffusion&steps=2&to=5&frames=3&sampler=ddpm": "pictures",
    "view=diffusion&what=strip&model=flowers-diffusion&steps=2&to=5&via=7;2&closed=1&frames=4": "pictures",
    "view=diffusion&what=grid&model=flowers-diffusion&steps=2&n=3&eta=0.5": "pictures",
    "view=diffusion&what=steps&model=fashion-ddpm&label=2": "pictures",
    "view=diffusion&what=strip&model=fashion-ddpm&steps=2&to=9&frames=2&seed=3": "pictures",
    "view=diffusion&what=forward&model=fashion-ddpm&steps=2&time=0.3333&seed=3": "picture",
    "view=text-to-image&what=picture&steps=2&prompt=a%20sunflower&negative_prompt=a%20%22face%22": "pictures",
    "view=text-to-image&what=strip&steps=2&frames=3&stop=0.5&to=7": "pictures",
    "view=text-to-image&what=strip&steps=2&frames=4&via_prompts=a%20boot%0Aa%20bag&negative_prompt=a%20face": "pictures",
    "view=text-to-image&what=plane&steps=2&n=2&kind=linear": "pictures",
    "view=text-to-image&what=grid&steps=2&n=2&seed=5&negative_prompt=glasses": "pictures",
    "view=text-to-image&what=steps": "pictures",
    "view=text-to-image&what=picture&steps=4&image=celeba-vae:g3&strength=0.5&mask=330,12,20,12&margin=0.1": "pictures",
    "view=text-to-image&what=strengths&steps=4&image=fashion-vae:g2": "pictures",
    "view=why-a-vae&chapter=deeper&seed=2": "pictures",
    "view=why-a-vae&chapter=denoising&noise=dropout&amount=0.4&seed=3": "pictures",
    "view=why-a-vae&chapter=denoising&noise=gaussian&amount=0.3": "pictures",
    "view=why-a-vae&chapter=gans&model=fashion-cgan&label=4&seed=2": "pictures",
    "view=why-a-vae&chapter=arithmetic&seed=1": "face",
    "view=why-a-vae&chapter=holes": "pictures",
}
CODE = """([query, view]) => {
    const find = selector => document.querySelector(selector);
    for (const fold of document.querySelectorAll(`#${view} .lx-folds details`)) fold.open = true;
    return find(`#${view} .lx-folds code`)?.textContent;
}"""
RUN = '''
import io, json, sys, traceback
import numpy as np
from explorer import imaging, state, views
from explorer.views.diffusion import pictures as diffusion
from explorer.views.text_to_image import pictures as prompting
from explorer.views.why_a_vae import pictures as family

def shown(query):
    """The pictures that the page shows for a link, by the functions that make them for it: (n, h, w, c) in bytes."""
    full = views.complete(state.parse_strictly(query))
    if full["view"] == "diffusion":
        return np.concatenate(diffusion.run(full))
    if full["view"] == "text-to-image":
        return prompting.run(full)
    if full["view"] == "why-a-vae":
        if full["chapter"] in ("codings", "holes", "labels"):  # which show no rows of pictures
            return None
        rows = [row["images"] for row in family.rows(full)]
        return rows[-1][4:5] if full["chapter"] == "arithmetic" else rows[-2 if full["chapter"] == "denoising" else -1]
    found = views.of(full["view"]).pictures(full).make()
    return found[3:] if len(full.get("corners", ())) == 3 and full["view"] == "morph" else found

def bytes_of(pictures):
    pictures = np.asarray(pictures)
    return imaging.to_bytes(pictures if pictures.ndim == 4 else pictures[None]).astype(int)

problems = {}
for query, name, code in json.load(open(sys.argv[1])):
    try:
        expected = shown(query)
        # the plane's has the same twice: by Keras alone, and by the project's names
        parts = code.split("# the same by this project")
        for until in range(1, len(parts) + 1):
            found = {}
            exec("# the same by this project".join(parts[:until]), found)
            pictures = bytes_of(found[name])
            if expected is None:
                assert pictures.ndim == 4 and pictures.std() > 5
                continue
            assert pictures.shape == expected.shape, (pictures.shape, expected.shape)
            assert np.abs(pictures - bytes_of(expected)).max() <= 1, np.abs(pictures - bytes_of(expected)).max()
    except Exception:
        problems[query] = traceback.format_exc(limit=-2) + code
print(json.dumps(problems))
'''


def test_every_snippet_runs_and_gives_what_is_shown(page_of, app, fresh_python, tmp_path):
    page, found = page_of(app).page, []
    for query, name in SNIPPETS.items():
        view = query.split("view=")[1].split("&")[0]
        page.goto(f"{app.url}/?{query}")
        page.wait_for_function(f"query => ({CODE})(query)", arg=[query, view])
        if "even" in query:  # the frames' places come with the frames
            page.wait_for_function(f"query => ({CODE})(query)?.includes('.at([')", arg=[query, view])
        found.append([query, name, page.evaluate(CODE, [query, view])])
    taken = tmp_path / "snippets.json"
    taken.write_text(json.dumps(found))
    finished = fresh_python(RUN, taken)
    assert finished.returncode == 0, finished.stderr
    problems = json.loads(finished.stdout.splitlines()[-1])
    assert not problems, "\n\n".join(f"{query}\n{said}" for query, said in problems.items())
