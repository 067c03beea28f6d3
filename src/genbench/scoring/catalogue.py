"""What each score is called, which way is better and what it means: a new score needs one entry here."""

from typing import Literal, NamedTuple

Better = Literal["up", "down"] | float | None  # a number is an ideal value, not a contest


class Score(NamedTuple):
    label: str
    better: Better
    unit: str
    explanation: str
    group: str = "Quality"
    scale: int = 1  # shown = scale · value; the csv keeps the raw value
    bound: bool = False  # an upper bound for models whose likelihood is a bound
    copying: Literal["up", "down"] | None = None  # where the score of copies goes

    @property
    def arrow(self) -> str:
        """↓, ↑, or → and the ideal value."""
        if isinstance(self.better, str):
            return {"up": "↑", "down": "↓"}[self.better]
        return "" if self.better is None else f"→ {self.better * self.scale:g}"

    @property
    def header(self) -> str:
        return " ".join(part for part in (self.label, self.unit and f"[{self.unit}]", self.arrow) if part)


QUALITY, NOVELTY, LIKELIHOOD, OTHER = "Quality", "Novelty", "Likelihood", "Other"
COPYING = "Novelty, other scores"

SCORES = {
    "fid": Score(
        "FID (classifier)",
        "down",
        "",
        "Fréchet distance between Gaussians fitted to the extractor's features of samples and held-out set.",
    ),
    "kid": Score(
        "KID (classifier)",
        "down",
        "×10⁻³",
        "Unbiased squared kernel distance (cubic kernel) in the same features; may fall below 0.",
        scale=1000,
    ),
    "classifier_score": Score(
        "classifier score",
        "up",
        "",
        "exp E KL(p(y|x) ‖ p(y)) under the extractor: confident and varied classes; blind to copying.",
    ),
    "modes_covered": Score(
        "modes",
        "up",
        "",
        "Components of the true mixture that hold a sample within 3 sigma of their centre.",
    ),
    "mode_quality": Score(
        "good samples",
        "up",
        "%",
        "Share of samples within 3 sigma of a true centre: 98.9 % at best in the plane, 99.7 % on the line.",
        scale=100,
    ),
    "mode_kl": Score(
        "mode KL",
        "down",
        "nats",
        "KL(samples ‖ mixture) of the shares of components, a sample belonging to the nearest centre; "
        "for so few samples a little above 0 at best.",
    ),
    "precision": Score(
        "precision", "up", "", "Share of samples inside the held-out elements' 3-nearest-neighbour balls."
    ),
    "recall": Score(
        "recall", "up", "", "Share of held-out elements inside the samples' 3-nearest-neighbour balls."
    ),
    "density": Score(
        "density",
        "up",
        "",
        "Mean number of held-out 5-neighbour balls around a sample, over 5; may exceed 1.",
    ),
    "coverage": Score(
        "coverage",
        "up",
        "",
        "Share of held-out elements with a sample in their 5-neighbour ball; about 0.97 at best.",
    ),
    "class_tv": Score(
        "class TV",
        "down",
        "",
        "Total variation distance between the predicted classes of samples and of held-out data.",
    ),
    "valid_meshes": Score(
        "valid meshes",
        "up",
        "%",
        "Share of samples that are closed and have no face without area.",
        scale=100,
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
    ),
    "l1": Score(
        "L1", "down", "", "Mean absolute difference of a value from the true counterpart, in [0, 1].", OTHER
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
    ),
    "closer_to_train": Score(
        "closer to train",
        0.5,
        "%",
        "Share of samples nearer to the training than to an equally large held-out set.",
        NOVELTY,
        100,
        copying="up",
    ),
    "neighbour_ratio": Score(
        "neighbour ratio",
        0.0,
        "%",
        "Share of samples whose nearest training element is three times closer than the second nearest.",
        COPYING,
        100,
        copying="up",
    ),
    "authenticity": Score(
        "authenticity",
        0.5,
        "%",
        "Share of samples farther from their nearest training element than that is from its own nearest.",
        COPYING,
        100,
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
        "bits/dim", "down", "", "The same divided by D ln 2, D values per element.", LIKELIHOOD, bound=True
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
}

CONTROL_ROLES = {  # in the order of the table
    "real": "floor: held-out data",
    "copycat": "ceiling: training data",
    "noisy_copycat": "ceiling: noisy copies",
    "tenth_copycat": "ceiling: one copy in ten",
    "noise": "baseline: noise",
    "pca_gaussian": "baseline: Gaussian",
    "independent_pixels": "baseline: values apart",
    "uniform_tokens": "baseline: any token",
    "token_frequency": "baseline: frequent tokens",
}
