"""What readers say reaches the page: lists of a run with their curves, and which factors of a dataset are readable."""

from typing import Any

from test_report import Elements, dataset, models, page, score

from genbench.kinds.image.answers import Table
from genbench.report.results import rows_of
from genbench.report.whole import sentences
from genbench.scoring.estimates import Estimate


def estimates(*values: float) -> list[Estimate]:
    return [Estimate(value, value - 0.05, value + 0.05, 100) for value in values]


def listed(**columns: list[Estimate]) -> dict[str, Any]:
    return Table("Truncation", "Tighter <and> tighter.", "truncation", (2.0, 1.0, 0.5), columns).as_dict()


def test_lists_have_a_row_for_each_setting_and_a_curve_for_each_of_few_columns() -> None:
    run = models()[0]
    without = page([run])
    run.metrics["tables"] = [listed(precision=estimates(0.41, 0.62, 0.83), recall=estimates(0.9, 0.7, 0.123))]
    html = page([run])
    Elements(html)
    for text in ("Tighter &lt;and&gt; tighter.", "0.41 [0.36, 0.46]", "0.123", '<th scope="row">0.5</th>'):
        assert text in html and text not in without, text
    assert html.count("against truncation") == 2
    missing = [Estimate.alone(float("nan"), 0)] * 3
    run.metrics["tables"] = [listed(**{f"factor {i}": missing for i in range(6)})]
    html = page([run])
    Elements(html)
    assert "factor 5" in html and "against truncation" not in html


def test_a_dataset_says_which_factors_are_readable() -> None:
    plain, known = dataset(), dataset()
    known.extractor["readers"] = {
        "hair": {"score": "accuracy", **score(0.97, 0.01), "readable": True},
        "brow": {"score": "R²", "value": None, "low": None, "high": None, "n": 5, "readable": False},
    }
    html = page([models()[0]], [known])
    Elements(html)
    assert "Readers of factors" in html and "Readers of factors" not in page([models()[0]], [plain])
    row = html.split('<th scope="row">hair</th>', 1)[1].split("</tr>", 1)[0]
    assert "accuracy" in row and "0.97 [0.96, 0.98]" in row and ">yes<" in row
    assert ">no<" in html.split('<th scope="row">brow</th>', 1)[1].split("</tr>", 1)[0]


def by_images(right: list[Estimate], distances: list[Estimate]) -> dict[str, Any]:
    columns = {"right": right, "FID (classifier)": distances, "3": right}
    rows = ("samples", "held-out", "halves of two")
    return Table("Counting things", "Exactly four.", "images", rows, columns).as_dict()


def test_lists_whose_settings_are_words_have_rows_and_no_curves() -> None:
    run = models()[0]
    run.metrics["tables"] = [by_images(estimates(0.5, 1.0, 0.6), estimates(9.0, 1.0, 1.25))]
    html = page([run])
    Elements(html)
    assert '<th scope="row">halves of two</th>' in html and "0.6 [0.55, 0.65]" in html
    assert "against images" not in html


def test_a_system_that_is_near_and_wrong_is_named() -> None:
    """Of two the nearer one by FID; and what is put together of halves, nearer still, says why that is not enough."""
    near, far, *_ = models()
    near.metrics["tables"] = [by_images(estimates(0.5, 1.0, 0.6), estimates(9.0, 1.0, 1.25))]
    far.metrics["tables"] = [by_images(estimates(0.98, 1.0, 0.6), estimates(30.0, 1.0, 1.25))]
    rows = rows_of([near, far])
    ((text, wrong),) = sentences(rows)
    assert wrong and f"0.5 at 9 FID (classifier) of {near.label}" in text
    assert "1 at 1 of held-out images" in text and "0.6 at 1.25 of halves of two" in text
    assert "Right as a whole?" in page([near, far])
    near.metrics["tables"] = [by_images(estimates(0.97, 1.0, 0.6), estimates(9.0, 1.0, 1.25))]
    assert not sentences(rows)[0][1]
    near.metrics["tables"] = far.metrics["tables"] = []
    assert sentences(rows) == [] and "Right as a whole?" not in page([near, far])
