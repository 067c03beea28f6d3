"""A model's file that cannot be used is said in one line."""

from pathlib import Path

import pytest

from genbench import models
from genbench.core import Space
from genbench.models.build import build
from genbench.params.schema import Run
from genbench.storage.files import InputError

WHOLE = """\
from genbench.core import GenerativeModel


class Mine(GenerativeModel):
    def phases(self):
        return []

    def sample(self, n, condition=None, *, rng):
        return None
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "genbench.core",
            "genbench.cores",
            r"mine\.py: cannot be imported: No module named 'genbench\.cores'",
        ),
        (
            "GenerativeModel\n",
            "Generative\n",
            r"mine\.py: cannot be imported: cannot import name 'Generative'",
        ),
        ("phases(self):", "phases(self:", r"mine\.py: cannot be imported: "),
        ("def phases", "def phase", r"mine\.py: Mine has no method phases; expected one"),
        ("GenerativeModel)", "object)", r"mine\.py: Mine is no GenerativeModel; expected a subclass"),
    ],
)
def test_a_file_that_holds_no_model_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, told: str
) -> None:
    name = f"planted_{abs(hash((old, new)))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.py").write_text(WHOLE.replace(old, new, 1))
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    entry = Run.model_construct(dataset="set", model=f"{name}/mine", seed=0, steps=1, batch_size=1)
    with pytest.raises(InputError, match=told) as error:
        build("set-mine", entry, Space("image", (1, 2, 2), 4))
    assert "\n" not in str(error.value)
