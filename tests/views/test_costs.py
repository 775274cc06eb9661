"""What a file costs is judged before it is begun, by what its model took."""

import math
import time

import pytest

from explorer import checkpoints, state, views
from explorer.views import calls, costs
from explorer.views.diffusion import pictures


@pytest.fixture(autouse=True)
def _unmeasured(diffusion_registry, monkeypatch):
    monkeypatch.setattr(costs, "_measured", {})


def export(query, ending="png"):
    return calls.export_file({"query": query, "ending": ending})


@pytest.mark.parametrize(
    ("query", "evaluations"),
    [("steps=7", 7), ("what=grid&n=5&steps=7", 35), ("what=strip&to=3&frames=4&steps=7", 28), ("what=steps", 75),
     ("what=trajectory&steps=7&to_sampler=ddpm", 14), ("what=forward&steps=7", 14), ("model=kinds&steps=7", 14),
     ("model=kinds&steps=7&guidance_scale=0", 7)],
)  # fmt: skip
def test_the_network_is_asked_as_often_as_is_said(query, evaluations, monkeypatch):
    full = views.state_of(f"model=blots&{query}" if "model=" not in query else query, "diffusion")
    generator, asked = checkpoints.load(full["model"]), []
    network = generator.predict_noise

    def counted(noisy, *told, **more):
        asked.append(len(noisy) * (2 if full.get("guidance_scale") else 1))
        return network(noisy, *told, **more)

    monkeypatch.setattr(generator, "predict_noise", counted)
    shown = pictures.pictures(full)
    shown.make()
    # a picture that is noised at half time takes the second half of the steps alone
    assert shown.evaluations == evaluations
    assert sum(asked) <= evaluations
    assert sum(asked) >= 0.7 * evaluations


def test_what_takes_too_long_is_refused_with_its_estimate_before_it_begins(monkeypatch):
    costs._measured["blots"] = 1.0
    monkeypatch.setattr(pictures, "run", lambda *arguments: pytest.fail("it was begun"))
    error = export("view=diffusion&model=blots&what=grid&n=18&steps=100")["error"]
    assert "about 30 minutes" in error
    assert "Lower steps, n, frames or size" in error
    monkeypatch.setenv(costs.LIMIT, "10")
    assert "at most 10 seconds" in export("view=diffusion&model=blots&steps=20")["error"]


def test_who_types_the_command_is_not_asked(monkeypatch):
    costs._measured["blots"] = 1000.0
    assert views.render(state.parse_strictly("view=diffusion&model=blots&steps=2"), "png").startswith(b"\x89PNG")


def test_it_is_learned_how_long_a_model_takes(monkeypatch):
    full = views.state_of("model=blots&steps=40", "diffusion")
    cost, shown = costs.Cost("png"), pictures.pictures(full)
    cost.judge(full, shown)
    cost.began = time.perf_counter() - 80.0
    cost.learn()
    assert costs._measured["blots"] == pytest.approx(2, rel=0.1)
    assert "file" in export("view=diffusion&model=blots&steps=40")
    assert costs._measured["blots"] < 1.5
    before = dict(costs._measured)
    assert "file" in export("view=diffusion&model=blots&steps=2")
    assert costs._measured == before, "the first steps say little"


def test_what_takes_too_much_memory_is_refused(monkeypatch):
    monkeypatch.setattr(costs, "MOST_BYTES", 10_000_000)
    assert "GB of memory" in export("model=mnist-vae&z=0,0&size=1024")["error"]
    assert "file" in export("model=mnist-vae&z=0,0&size=64")


def test_the_shipped_models_usual_files_are_not_refused(monkeypatch):
    monkeypatch.delenv("EXPLORER_CHECKPOINTS")
    for name in ("flowers-diffusion", "fashion-ddpm", "stable_diffusion_3_tiny"):
        card = checkpoints.card(name)
        steps = card["sampling"]["steps"] * 2
        assert 18 * steps * costs.usual(card) < costs.MOST_SECONDS, name
    card = checkpoints.card("fashion-ddpm")
    assert math.isclose(4000 * 2 * costs.usual(card), 90, rel_tol=0.3), "all its steps, measured on two cores"
