"""The quiz on the plane, by keys and by touch: what would tell the answer is covered until it is given."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer.views.latent_plane import quiz


@pytest.fixture
def asked(view):
    """A quiz of a seed, at its first question."""
    view.page.goto(f"{view.url}/?model=mnist-vae&quiz=7")
    expect(view.page.locator(".lx-quiz-number")).to_have_text("Question 1 of 10")
    return view


def test_a_quiz_from_its_first_question_to_its_score(asked):
    view, page = asked, asked.page
    questions, score = quiz.questions("mnist-vae", 7), 0
    for i, question in enumerate(questions):
        expect(page.locator(".lx-quiz-number")).to_have_text(f"Question {i + 1} of 10")
        expect(page.locator(".lx-picture")).to_be_hidden()
        if "z" in question:
            right = quiz.verdict("mnist-vae", question["z"])["label"]
            answer = right if i else (right + 1) % 10  # the first one wrong
            page.keyboard.press(str(answer))
            score += i > 0
        else:
            expect(page.locator(".lx-quiz-question")).to_contain_text(f" {question['label']} lie?")
            z = quiz.middle("mnist-vae", question["label"])
            page.mouse.click(*view.at(*z))
            page.keyboard.press("Enter")
            score += quiz.verdict("mnist-vae", view.under(*view.at(*z)))["label"] == question["label"]
        expect(page.locator(".lx-quiz-verdict")).to_contain_text("The judge sees")
        expect(page.locator(".lx-picture")).to_be_visible()
        if i == 0:
            expect(page.locator(".lx-quiz-verdict")).to_contain_text("Not quite")
            expect(page.locator(".lx-answers .lx-right")).to_have_text(str(right))
        page.keyboard.press("Enter")
    expect(page.locator(".lx-quiz-question")).to_have_text(f"{score} of 10. That was the last question.")
    page.get_by_role("button", name="Other questions").click()
    expect(page.locator(".lx-quiz-number")).to_have_text("Question 1 of 10")
    view.until("link.get('quiz') !== '7'")
    page.get_by_role("button", name="Leave the quiz").click()
    expect(page.locator(".lx-quiz")).to_be_hidden()
    expect(page.locator(".lx-picture")).to_be_visible()
    view.until("!link.has('quiz')")


def test_nothing_tells_the_answer_and_the_point_stays(asked):
    view, page = asked, asked.page
    for part in (".lx-picture", ".lx-near", ".lx-sliders", ".lx-inside", ".lx-walk", ".lx-legend"):
        expect(page.locator(part).first).to_be_hidden()
    expect(view.plane).to_have_accessible_name(re.compile(r"^(?!.*nearest encodings)"))
    view.eventually(lambda: np.abs(np.subtract(*np.moveaxis(view.base()[..., :2], -1, 0))).max() < 40)  # no dots, no manifold
    base = view.base()
    z = view.z
    view.plane.press("ArrowRight")
    page.mouse.click(*view.at(0, 0))
    assert view.z == z
    page.get_by_label("Show the dots").check()
    view.eventually(lambda: (view.base() != base).any())
    page.locator(".lx-answers button").first.click()
    expect(page.locator(".lx-quiz-verdict")).to_contain_text("The judge sees")
    expect(page.locator(".lx-quiz-score")).to_have_text(re.compile(r"^(0|½) of 1$"))


def test_the_key_begins_one_where_there_is_a_judge(view):
    view.open("model=fashion-vae")
    view.page.keyboard.press("x")
    expect(view.page.locator(".lx-quiz-question")).to_contain_text("Which kind is here")
    view.page.keyboard.press("x")
    expect(view.page.locator(".lx-quiz")).to_be_hidden()
    view.open("model=fashion-vae-10d")
    expect(view.page.locator("[data-do=quiz]")).to_be_hidden()
    view.page.keyboard.press("x")
    expect(view.page.locator(".lx-quiz")).to_be_hidden()
