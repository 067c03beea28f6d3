"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017), arXiv:1708.07747: 70,000 pieces of clothing in the form of MNIST."""

from genbench.data.parts import idx
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Source
from genbench.data.splits import subset

PUBLISHED = idx.Published(
    folder="FashionMNIST",
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    packed={
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    unpacked={
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    classes=(
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
    about={
        "source": "Fashion-MNIST (Zalando), official split",
        "description": "pieces of clothing, 28×28 pixels",
        "licence": "MIT",
    },
)


def load(
    *,
    root: str = "data/raw/fashion_mnist",
    train: int | None = None,
    held_out: int | None = None,
    seed: int = 0,
) -> Source:
    """The official 60,000 and 10,000 images, or a stratified part of either; seed: of that choice.

    Raises:
        InputError: see `idx.load`, or more images asked for than there are.
    """
    return subset(idx.load(PUBLISHED, raw_folder(root)), train=train, held_out=held_out, seed=seed)
