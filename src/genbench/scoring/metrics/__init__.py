"""Metrics of generated data: pure functions, features in, estimates out.  See docs/evaluation.md."""

from genbench.scoring.estimates import Estimate, clopper_pearson
from genbench.scoring.metrics.clipped import Clipped, clipped_density_coverage
from genbench.scoring.metrics.diversity import ms_ssim, ms_ssim_diversity, vendi_score
from genbench.scoring.metrics.downstream import classification_accuracy_score
from genbench.scoring.metrics.frechet import (
    frechet_distance,
    frechet_distance_infinity,
    frechet_linear,
    frechet_replicates,
    frechet_value,
    gaussian_frechet_distance,
)
from genbench.scoring.metrics.inception import (
    inception_score,
    inception_score_replicates,
    inception_score_splits,
)
from genbench.scoring.metrics.kernel import kernel_distance, kernel_replicates
from genbench.scoring.metrics.manifold import (
    DensityCoverage,
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
    class_histogram,
    covered_interval,
    mode_coverage,
    mode_coverage_labels,
    mode_replicates,
    total_variation,
)
from genbench.scoring.metrics.path_length import lerp, perceptual_path_length, slerp
from genbench.scoring.neighbours import ball_counts, nearest, nearest_others

__all__ = [
    "Clipped",
    "DensityCoverage",
    "Estimate",
    "LabelCoverage",
    "Manifolds",
    "ModeCoverage",
    "PrecisionRecall",
    "ball_counts",
    "class_histogram",
    "classification_accuracy_score",
    "clipped_density_coverage",
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
    "manifold_estimates",
    "manifold_replicates",
    "manifolds",
    "mode_coverage",
    "mode_coverage_labels",
    "mode_replicates",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest",
    "nearest_others",
    "perceptual_path_length",
    "precision_recall",
    "slerp",
    "total_variation",
    "vendi_score",
]
