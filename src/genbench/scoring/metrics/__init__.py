"""Metrics of generated data: pure functions, features in, estimates out.  See docs/evaluation.md."""

from genbench.scoring.estimates import (
    Estimate,
    bootstrap_interval,
    clopper_pearson,
    mean_interval,
    resamplings,
)
from genbench.scoring.metrics.diversity import ms_ssim, ms_ssim_diversity, vendi_score
from genbench.scoring.metrics.downstream import classification_accuracy_score, logistic_regression
from genbench.scoring.metrics.frechet import (
    FrechetReplicates,
    frechet_distance,
    frechet_distance_infinity,
    frechet_linear,
    frechet_replicates,
    frechet_value,
    gaussian_frechet_distance,
    linear_error,
)
from genbench.scoring.metrics.inception import (
    ScoreReplicates,
    inception_score,
    inception_score_replicates,
    inception_score_splits,
)
from genbench.scoring.metrics.kernel import KernelReplicates, kernel_distance, kernel_replicates
from genbench.scoring.metrics.manifold import (
    DensityCoverage,
    ManifoldReplicates,
    Manifolds,
    PrecisionRecall,
    density_coverage,
    manifold_estimates,
    manifold_replicates,
    manifolds,
    precision_recall,
)
from genbench.scoring.metrics.modes import (
    LabelCoverage,
    ModeCoverage,
    ModeReplicates,
    class_histogram,
    covered_interval,
    mode_coverage,
    mode_coverage_labels,
    mode_replicates,
    total_variation,
)
from genbench.scoring.metrics.neighbours import ball_counts, nearest, nearest_others
from genbench.scoring.metrics.path_length import lerp, perceptual_path_length, slerp

__all__ = [
    "DensityCoverage",
    "Estimate",
    "FrechetReplicates",
    "KernelReplicates",
    "LabelCoverage",
    "ManifoldReplicates",
    "Manifolds",
    "ModeCoverage",
    "ModeReplicates",
    "PrecisionRecall",
    "ScoreReplicates",
    "ball_counts",
    "bootstrap_interval",
    "class_histogram",
    "classification_accuracy_score",
    "clopper_pearson",
    "covered_interval",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_infinity",
    "frechet_linear",
    "frechet_replicates",
    "frechet_value",
    "gaussian_frechet_distance",
    "inception_score",
    "inception_score_replicates",
    "inception_score_splits",
    "kernel_distance",
    "kernel_replicates",
    "lerp",
    "linear_error",
    "logistic_regression",
    "manifold_estimates",
    "manifold_replicates",
    "manifolds",
    "mean_interval",
    "mode_coverage",
    "mode_coverage_labels",
    "mode_replicates",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest",
    "nearest_others",
    "perceptual_path_length",
    "precision_recall",
    "resamplings",
    "slerp",
    "total_variation",
    "vendi_score",
]
