"""What lint says of the wording: for every rule, cases that fire and cases that must not."""

from typing import Any

import pytest

from rubrics import Rubric, lint_rubric

WORDING = (
    "compound",
    "open-list",
    "negated-and",
    "vague",
    "length-word",
    "how-many",
    "no-else",
    "inverted-steps",
    "sign",
)


def advised(text: str, *, points: float = 5, **fields: Any) -> set[str]:
    """The codes of the wording rules that speak about one criterion."""
    other = {"criterion": "Names the town", "points": 1}
    rubric = Rubric.model_validate({"id": "r", "criteria": [{"criterion": text, "points": points, **fields}, other]})
    return {advice.code for advice in lint_rubric(rubric) if advice.code in WORDING}


FIRES = {
    "compound": [
        "Names the likely cause and explains when to come back",
        "The response recommends an X-ray, and clearly states that the wrist must be splinted",
        "The answer cites the statute and also notes why it applies",
        "Says that the lease ends in May and that the deposit is due in June",
        "Advises resting the ankle and wearing a bandage",
        "Tells the tenant to write to the landlord and keep a copy",
        "Tells her to stop the tablets and to call the clinic",
        "Mentions rest, ice, compression and elevation",
        "Asks about fever, cough, and weight loss",
        "Names the drug and the dose",
        "Asks for the date of the accident and the name of the driver",
        "Warns about driving. Additionally, warns about alcohol.",
        "The answer should be short. It must be kind. It should not name a drug. It must end with a question.",
    ],
    "open-list": [
        "Asks about risk factors, including age, weight and smoking",
        "Lists the papers to bring, including the passport, the contract, and two photographs",
        "Fails to cover warning signs, including fever, rash, and stiffness",
    ],
    "negated-and": [
        "Fails to mention the dose and the interval",
        "Does not ask about allergies and current medicines",
        "The answer omits the filing fee, the deadline and the court",
        "Doesn't warn of drowsiness as well as of dizziness",
    ],
    "vague": [
        "Gives appropriate advice",
        "Provides a clear, relevant and helpful answer",
        "The response uses a professional tone",
        "Asks relevant questions before it answers",
        "The explanation is adequate",
        "Adequately covers the tax consequences",
        "Does not give sufficient information",
        "Says what the test is for and offers good guidance",
        "Uses simple language",
        "Is accurate",
        "Is empathetic and professional",
        "Is well written",
        "Good advice on emergency care",
        "Good structure",
        "A clear and helpful answer",
        "Has a professional and friendly tone",
    ],
    "length-word": [
        "Provides a brief summary of the ruling",
        "The answer is too long",
        "Is overly detailed",
        "Briefly explains what a stent is",
        "Keeps the reply concise",
    ],
    "how-many": [
        "Names several side effects",
        "Suggests a few books on the subject",
        "Fails to list some common causes",
    ],
    "no-else": [
        "If the answer names a drug, it gives the dose",
        "Where a lawsuit is mentioned: says what it would cost",
        "Names the interest rate, if applicable",
    ],
    "inverted-steps": [
        "Step 1: Does it leave out the warning? If yes, fail. Step 2: Is it rude? If yes, fail.",
        "Is the deadline given? If not, the criterion is not met.",
        "Answer yes if the memo invents a case.",
    ],
    "sign": [
        "Fails to ask about allergies",
        "Incorrectly calls the contract void",
        "Provides outdated figures for the allowance",
        "Hallucinates a source",
    ],
}

SILENT = {
    "compound": [
        "Explains the signs and symptoms of a stroke",
        "Weighs the risks and the benefits of surgery",
        "Says both that the lease ends in May and that the deposit is due in June",
        "Says that protecting the money came late and does not cure the breach",
        "Says that the figures and notes do not explain it",
        "Names at least two of: fever, cough, weight loss, night sweats",
        "Suggests measures such as rest, ice, compression and elevation",
        "Names a remedy (e.g. rest, ice, and elevation)",
        "Gives a clear, calm, and friendly answer",
        "Contains a letter that can be sent once he has filled in names and addresses",
        "Advises writing down what was said and when",
        "Recommends waiting before taking tablets and drinking coffee",
        "States the place or the date",
        "Compares the old rule and the new rule",
        "Books the charge into W2, W7 and W11",
        "Mentions breathing and swelling problems",
        "Nausea, vomiting and dizziness are side effects of the drug",
        "Explains that the firm, its owner, and its agent are liable",
        "Asks about the country to find its courts, deadlines, and fees",
    ],
    "open-list": [
        "Asks about risk factors, including at least two of age, weight and smoking",
        "Gives all particulars, including name, date and place",
        "Handles odd spellings, including typos, acronyms or slang",
        "Names infections, including syphilis",
        "Advises including the passport, the visa, and the ticket in the parcel",
        "Names causes such as injuries, including falls, burns, and cuts",
        "The symptoms include fever, cough, and weakness",
        "Warns of syndromes, including one of the ovaries, and can be read by a lay person",
    ],
    "negated-and": [
        "Fails to mention the dose or the interval",
        "Fails to mention that fees and deadlines differ",
        "Does not give a clear and direct instruction",
        "Does not list the signs and symptoms",
        "Fails to tell apart findings in both boys and girls",
        "Does not ask a question and writes the note from its own invention",
        "Fails to name a cause, such as flu and cold",
        "Does not distinguish between viral and bacterial disease",
        "Names neither the dose nor the interval",
    ],
    "vague": [
        "Says that a good night's sleep helps",
        "States that the restraint must be reasonable",
        "Gives appropriate advice, such as resting the ankle",
        "Recommends a suitable dose (5 to 10 mg)",
        "Provides practical help, advising him to call the bank",
        "Correctly states that the ratio is 3 to 1",
        "Says that ibuprofen is safe in children",
        "Names a properly fitting cuff",
        "Uses the words of the statute",
        "Tells him to seek a professional for the roof",
        "Is accurate to two decimals",
        "Is well written up in the ledger",
        "Good faith is named as the ground of the duty",
        "Natural language processing is named as the field",
        "Correct answer: 1,508.40",
        "Has a good-leaver clause",
        "Has a table of the steps",
        "Uses plain language, avoiding Latin",
    ],
    "length-word": [
        "Gives a brief summary of at most 60 words",
        "Answers in one short paragraph",
        "Says that the wait is too long",
        "Offers to write a brief note to the school",
        "Advises a long walk",
        "Mentions long-term effects",
        "Recommends a brief course of steroids",
        "Suggests a brief adjournment",
        "Names the brief's author",
    ],
    "how-many": [
        "Names at least two side effects",
        "Says that some patients need a second dose",
        "Names various causes, such as flu and cold",
        "Mentions several liability as opposed to joint liability",
    ],
    "no-else": [
        "If a dose is missed, it should be taken the same day",
        "Says what to do if the pain comes back",
        "When the well runs dry, the pump must be stopped",
    ],
    "inverted-steps": [
        "Says that the student fails if no essay is handed in",
        "Tells the writer what to do if the payment fails",
        "States that the appeal is not met with success if the deadline has passed",
    ],
    "sign": [
        "Does not recommend antibiotics",
        "Says that the landlord failed to repair the roof",
        "Leaves out the name of the risk score",
        "Avoids jargon",
    ],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in FIRES.items() for text in texts])
def test_a_wording_problem_is_told(code: str, text: str) -> None:
    assert code in advised(text)


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SILENT.items() for text in texts])
def test_a_sound_wording_is_left_alone(code: str, text: str) -> None:
    assert code not in advised(text)


@pytest.mark.parametrize(
    "text",
    [
        "Should mention the deadline",
        "The assistant must refrain from naming a drug",
        "Correctly names the court",
        "Contains no errors",
        "Avoids jargon",
        "Refrains from giving a diagnosis",
    ],
)
def test_something_wanted_that_costs_points_is_told(text: str) -> None:
    assert "sign" in advised(text, points=-4)
    assert "sign" not in advised(text, points=4)


@pytest.mark.parametrize(
    "text",
    [
        "Correctly names the court but gives the wrong deadline",
        "Should not have named a drug",
        "Recommends a drug, a dose or a brand",
        "Fails to name the court",
        "Names a court, a date and a judge that the file does not hold",
    ],
)
def test_a_fault_worded_as_a_fault_is_left_alone(text: str) -> None:
    assert "sign" not in advised(text, points=-4)
    assert "compound" not in advised(text, points=-4)


def test_what_code_or_a_described_scale_decides_is_not_a_matter_of_reading() -> None:
    text = "Gives good advice and explains it briefly"
    assert advised(text) >= {"compound", "vague"}
    assert advised(text, check={"max_words": 20}) == set()
    scale = {"type": "ordinal", "options": [{"label": "none"}, {"label": "some"}, {"label": "all"}]}
    assert advised(text, scale=scale) == set()


def test_a_condition_with_a_way_out_is_left_alone() -> None:
    text = "If the answer names a drug, it gives the dose"
    assert advised(text, may_not_apply=True) == set()


def test_a_reason_in_brackets_is_not_read_as_a_demand() -> None:
    text = "Names the court. (Justification: it must be right. It should be local. It must be open.)"
    assert advised(text) == set()


def test_other_languages_get_no_advice_on_words() -> None:
    for text in ("Nennt die Dosis und das Intervall", "Explique clairement et donne un conseil", "用量と間隔を述べる"):
        assert advised(text) == set()


def test_every_wording_rule_has_cases_on_both_sides() -> None:
    assert set(FIRES) == set(SILENT) == set(WORDING)
