"""What each score is called, in which unit, which way is better and what it means: a new score needs one entry here."""

from typing import Literal, NamedTuple

Better = Literal["up", "down"] | float | None  # a number is an ideal value, not a contest

QUALITY, NOVELTY, LIKELIHOOD, OTHER = "Quality", "Novelty", "Likelihood", "Other"
COPYING = "Novelty, other scores"
STUDY = "Human study"
LAST = 99
# Scores that rest on the features or the labels of an extractor where it is a classifier.
ON_FEATURES = frozenset(
    (
        "fid",
        "kid",
        "classifier_score",
        "precision",
        "recall",
        "density",
        "coverage",
        "clipped_density",
        "clipped_coverage",
        "class_tv",
        "condition_agreement",
    )
)


class Score(NamedTuple):
    """One score as tables name it.

    label: on the features of the benchmark's own classifier.  published: on Inception's, with which published values
    are computed, where the score has another name there.  general: on those of any other extractor, likewise.
    """

    label: str
    better: Better
    unit: str
    explanation: str
    group: str = QUALITY
    scale: int = 1  # shown = scale · value; csv and json keep the raw value
    bound: bool = False  # an upper bound for models whose likelihood is a bound
    copying: Literal["up", "down"] | None = None  # where the score of copies goes
    expected: str = ""  # what a good generator gets, in words, where `better` does not say it
    rank: int = LAST  # place among the scores that a narrow table shows first
    published: str = ""
    general: str = ""

    @property
    def arrow(self) -> str:
        """↓, ↑, or → and the ideal value."""
        if isinstance(self.better, str):
            return {"up": "↑", "down": "↓"}[self.better]
        return "" if self.better is None else f"→ {self.better * self.scale:g}"

    @property
    def header(self) -> str:
        return " ".join(part for part in (self.label, self.unit and f"[{self.unit}]", self.arrow) if part)

    @property
    def direction(self) -> str:
        """What is better, or expected of new data, in words."""
        return self.expected or {"up": "higher", "down": "lower"}.get(str(self.better), "as real")

    def label_on(self, extractor: str) -> str:
        """The label on this extractor's features.  Other features' distances must not pass for published FID or KID."""
        other = {"classifier": self.label, "inception": self.published}.get(extractor, self.general)
        return (other or self.label).format(extractor=extractor)


SCORES = {
    "fid": Score(
        "FID (classifier)",
        "down",
        "",
        "Fréchet distance between Gaussians fitted to the extractor's features of samples and held-out set.",
        rank=0,
        published="FID (inception)",
        general="Fréchet distance ({extractor})",
    ),
    "kid": Score(
        "KID (classifier)",
        "down",
        "×10⁻³",
        "Unbiased squared kernel distance (cubic kernel) in the same features; may fall below 0.",
        scale=1000,
        published="KID (inception)",
        general="kernel distance ({extractor})",
    ),
    "classifier_score": Score(
        "classifier score",
        "up",
        "",
        "exp E KL(p(y|x) ‖ p(y)) under the extractor: confident and varied classes; blind to copying.",
        published="Inception score",
    ),
    "modes_covered": Score(
        "modes",
        "up",
        "",
        "Components of the true mixture that hold a sample within 3 sigma of their centre.",
        rank=1,
    ),
    "mode_quality": Score(
        "good samples",
        "up",
        "%",
        "Share of samples within 3 sigma of a true centre: 98.9 % at best in the plane, 99.7 % on the line.",
        scale=100,
        rank=2,
    ),
    "mode_kl": Score(
        "mode KL",
        "down",
        "nats",
        "KL(samples ‖ mixture) of the shares of components, a sample belonging to the nearest centre; "
        "for so few samples a little above 0 at best.",
    ),
    "precision": Score(
        "precision",
        "up",
        "",
        "Share of samples inside the held-out elements' 3-nearest-neighbour balls.",
        rank=8,
    ),
    "recall": Score(
        "recall",
        "up",
        "",
        "Share of held-out elements inside the samples' 3-nearest-neighbour balls.",
        rank=9,
    ),
    "density": Score(
        "density",
        "up",
        "",
        "Mean number of held-out 5-neighbour balls around a sample, over 5; may exceed 1.",
        rank=11,
    ),
    "coverage": Score(
        "coverage",
        "up",
        "",
        "Share of held-out elements with a sample in their 5-neighbour ball; about 0.97 at best.",
        rank=10,
    ),
    "clipped_density": Score(
        "clipped density",
        "up",
        "",
        "Share of good samples that the balls around samples suggest: density that no sample can make up for others.",
    ),
    "clipped_coverage": Score(
        "clipped coverage",
        "up",
        "",
        "Share of good samples that coverage suggests, each held-out element counting its 5 nearest samples.",
    ),
    "class_tv": Score(
        "class TV",
        "down",
        "",
        "Total variation distance between the predicted classes of samples and of held-out data.",
    ),
    "vendi": Score(
        "Vendi score",
        None,
        "",
        "Effective number of different samples: exp of the entropy of the eigenvalues of their similarity matrix.",
    ),
    "valid_meshes": Score(
        "valid meshes",
        "up",
        "%",
        "Share of samples that are closed and have no face without area.",
        scale=100,
        rank=3,
    ),
    "closed_meshes": Score(
        "closed meshes",
        "up",
        "%",
        "Share of samples in which every directed edge of a face meets its reverse exactly once.",
        scale=100,
    ),
    "vertex_kid": Score(
        "vertex KID",
        "down",
        "×10⁻³",
        "Unbiased squared kernel distance (cubic kernel) between embeddings of samples' and held-out meshes' vertices.",
        scale=1000,
    ),
    "mean_vertices": Score("vertices", None, "", "Mean number of vertices of a sample.", OTHER),
    "mean_faces": Score("faces", None, "", "Mean number of faces of a sample.", OTHER),
    "condition_agreement": Score(
        "condition met",
        "up",
        "%",
        "Share of samples read as the class asked for: by the extractor or, of meshes, from the nearest training mesh.",
        OTHER,
        100,
        rank=5,
    ),
    "l1": Score(
        "L1",
        "down",
        "",
        "Mean absolute difference of a value from the true counterpart, in [0, 1].",
        OTHER,
        rank=6,
    ),
    "cell_tv": Score(
        "TV to held-out",
        "down",
        "%",
        "Half the summed differences between the shares of each cell among samples and among held-out data.",
        scale=100,
    ),
    "kl_samples": Score(
        "KL (samples)",
        "down",
        "×10⁻³ nats",
        "KL divergence from the true distribution to the samples' frequencies, ½ added to the count of every cell.",
        scale=1000,
    ),
    "copy_rate": Score(
        "copy rate",
        0.01,
        "%",
        "Share of samples equal to a training element, or closer to one than 99 % of held-out ones are; 1 % by chance.",
        NOVELTY,
        100,
        copying="up",
        expected="0.01 or less",
        rank=4,
    ),
    "closer_to_train": Score(
        "closer to train",
        0.5,
        "%",
        "Share of samples nearer to the training than to an equally large held-out set.",
        NOVELTY,
        100,
        copying="up",
        expected="about 0.5",
    ),
    "neighbour_ratio": Score(
        "neighbour ratio",
        0.0,
        "%",
        "Share of samples whose nearest training element is three times closer than the second nearest.",
        COPYING,
        100,
        copying="up",
        expected="as real",
    ),
    "authenticity": Score(
        "authenticity",
        0.5,
        "%",
        "Share of samples farther from their nearest training element than that is from its own nearest.",
        COPYING,
        100,
        copying="down",
        expected="about 0.5",
    ),
    "ct": Score(
        "C_T",
        0.0,
        "",
        "Z-score of samples against held-out data in distance to training data, over cells; below -3 is copying.",
        COPYING,
        copying="down",
        expected="above -3",
    ),
    "fld": Score(
        "FLD",
        None,
        "",
        "Negative log-likelihood of held-out features under Gaussians at the samples; only differences mean something.",
        COPYING,
    ),
    "fld_gap": Score(
        "FLD gap train − held-out",
        None,
        "",
        "FLD of training data minus FLD of held-out data: the lower, the more the samples repeat training data.",
        COPYING,
        copying="down",
    ),
    "mifid": Score(
        "MiFID to train",
        None,
        "",
        "Fréchet distance to training data, over the mean cosine distance to the nearest of them where that is small.",
        COPYING,
        copying="up",
    ),
    "birthday_support": Score(
        "birthday support",
        None,
        "",
        "Number of different outputs that the pairs of equal samples suggest; infinite without such a pair.",
        COPYING,
        copying="down",
    ),
    "nll": Score(
        "NLL",
        "down",
        "nats",
        "Mean negative log-likelihood of a held-out element.",
        LIKELIHOOD,
        bound=True,
    ),
    "bits_per_dim": Score(
        "bits/dim",
        "down",
        "",
        "The same divided by D ln 2, D values per element.",
        LIKELIHOOD,
        bound=True,
        rank=7,
    ),
    "excess_nll": Score(
        "excess NLL",
        "down",
        "nats",
        "Mean log-likelihood of held-out data under the true density minus under the model: KL(data ‖ model).",
        LIKELIHOOD,
    ),
    "likelihood_gap": Score(
        "train − held-out",
        0.0,
        "nats",
        "Mean log-likelihood of training minus held-out data; above 0 is overfitting.",
        LIKELIHOOD,
    ),
    "kl_model": Score(
        "KL (exact)",
        0.0,
        "×10⁻³ nats",
        "KL divergence from the true distribution to the model's probabilities of all cells, without sampling."
        " Infinite, and so missing, where a cell that can occur is impossible to the model.",
        LIKELIHOOD,
        scale=1000,
    ),
    "judged_real": Score(
        "judged real",
        "up",
        "%",
        "Share of answers that called the run's images real",
        STUDY,
        100,
    ),
    "d_prime": Score(
        "d′",
        0.0,
        "",
        "How well raters tell the run's images from real ones, whatever their habit of saying real",
        STUDY,
    ),
}
