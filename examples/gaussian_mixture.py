"""A generator that knows nothing of genbench but its files: a Gaussian mixture on principal components.

It stands for whatever you have elsewhere.  It reads the training images of a prepared dataset and leaves an archive
with an array `x` of as many samples as there are held-out images; an entry of `external` in params.yaml makes a row of
it.  A folder of PNG files would do as well.

    python examples/gaussian_mixture.py data/digits.safetensors results/external/gaussian_mixture.npz
"""

import io
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from safetensors.numpy import load
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

DIRECTIONS, COMPONENTS = 30, 20


def main(data: Path, out: Path) -> None:
    arrays = load(data.read_bytes())
    train, n = arrays["train.x"], len(arrays["held_out.x"])
    top = train.max()
    pca = PCA(DIRECTIONS, svd_solver="full").fit(train.reshape(len(train), -1) / top)
    codes = pca.transform(train.reshape(len(train), -1) / top)
    mixture = GaussianMixture(COMPONENTS, reg_covar=1e-2, random_state=0).fit(codes)
    drawn = pca.inverse_transform(mixture.sample(n)[0])
    samples = np.random.default_rng(0).permutation(drawn.reshape(n, *train.shape[1:]).clip(0, 1))
    content = io.BytesIO()
    np.lib.format.write_array(content, (samples * top).round().astype(np.uint8))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:  # dated 1980, so that the same samples give the same bytes
        archive.writestr(zipfile.ZipInfo("x.npy"), content.getvalue())
    partial.replace(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
