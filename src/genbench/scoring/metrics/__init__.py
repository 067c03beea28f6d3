"""Metrics of generated data: pure functions, features in, estimates out.  See docs/evaluation.md."""

from genbench.scoring.estimates import (
    Estimate,
    bootstrap_interval,
    clopper_pearson,
    mean_interval,
    resamplings,
)
from genbench.scoring.metrics.clipped import (
    Clipped,
    ClippedMembers,
    calibrated,
    clipped_density_coverage,
    clipped_members,
)
from genbench.scoring.metrics.diversity import ms_ssim, ms_ssim_diversity, vendi_score
from genbench.scoring.metrics.downstream import classification_accuracy_score, logistic_regression
from genbench.scoring.metrics.frechet import (
    frechet_distance,
    frechet_distance_infinity,
    frechet_replicates,
    frechet_value,
    gaussian_frechet_distance,
    linear_error,
)
from genbench.scoring.metrics.inception import (
    inception_score,
    inception_score_replicates,
    inception_score_splits,
)
from genbench.scoring.metrics.kernel import kernel_distance, kernel_replicates
from genbench.scoring.metrics.manifold import (
    DensityCoverage,
    Members,
    PrecisionRecall,
    density_coverage,
    density_coverage_members,
    precision_recall,
    precision_recall_members,
)
from genbench.scoring.metrics.modes import (
    LabelCoverage,
    ModeCoverage,
    ModeReplicates,
    class_histogram,
    mode_coverage,
    mode_coverage_labels,
    mode_replicates,
    total_variation,
)
from genbench.scoring.metrics.neighbours import ball_counts, nearest, nearest_others
from genbench.scoring.metrics.path_length import lerp, perceptual_path_length, slerp

__all__ = [
    "Clipped",
    "ClippedMembers",
    "DensityCoverage",
    "Estimate",
    "LabelCoverage",
    "Members",
    "ModeCoverage",
    "ModeReplicates",
    "PrecisionRecall",
    "ball_counts",
    "bootstrap_interval",
    "calibrated",
    "class_histogram",
    "classification_accuracy_score",
    "clipped_density_coverage",
    "clipped_members",
    "clopper_pearson",
    "density_coverage",
    "density_coverage_members",
    "frechet_distance",
    "frechet_distance_infinity",
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
    "precision_recall_members",
    "resamplings",
    "slerp",
    "total_variation",
    "vendi_score",
]
