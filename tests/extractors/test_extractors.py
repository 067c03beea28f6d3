"""Extractors: laws that hold for all, equality with independent implementations, and what is said of bad weights."""

import io
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

from genbench.data import prepared as data
from genbench.extractors import checkpoint, dinov2, inception
from genbench.extractors import classifier as domain
from genbench.extractors.build import EXTRACTORS, Extractor, build
from genbench.extractors.classifier import ClassifierFeatures
from genbench.extractors.pca_pixels import PcaPixels
from genbench.extractors.random_convolution import RandomConvolution
from genbench.params.schema import Dataset
from genbench.params.schema import Extractor as Settings
from genbench.scoring.metrics import frechet_value
from genbench.storage.files import InputError, sha256

DIGITS = np.round(load_digits().images[:, None] * (255 / 16)).astype(np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (40, 3, 11, 9), dtype=np.uint8)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of digits after a few steps, as `genbench extractor` writes it."""
    folder = tmp_path_factory.mktemp("classifier")
    (folder / "digits.safetensors").write_bytes(data.prepare("digits", Dataset(source="digits")))
    prepared = data.load(folder / "digits.safetensors")
    content, _ = domain.train(prepared, Settings(steps=40, width=8, features=16, seeds=[4, 7]))
    (folder / "classifier.safetensors").write_bytes(content)
    return folder / "classifier.safetensors"


def random_state(model: nn.Module, seed: int) -> dict[str, Tensor]:
    """Weights that keep activations of order 1, and statistics that are nowhere the defaults."""
    rng = torch.Generator().manual_seed(seed)
    state = {}
    for name, tensor in model.state_dict().items():
        noise = torch.randn(tensor.shape, generator=rng)
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
        elif name.endswith("running_var"):
            state[name] = 0.5 + noise.abs()
        elif tensor.ndim > 1:
            state[name] = noise * (2 / tensor[0].numel()) ** 0.5
        else:
            state[name] = 1 + 0.1 * noise if name.endswith(("weight", "gamma")) else 0.1 * noise
    return state


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.device("meta"):
        model = inception.Inception()
    state = random_state(model, seed=0)
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(state, path)
    return path


# Laws


MAKERS: dict[str, Callable[[Path], tuple[Extractor, np.ndarray]]] = {
    "random-convolution grey": lambda _: (RandomConvolution(1), DIGITS[:50]),
    "random-convolution RGB": lambda _: (RandomConvolution(3), COLOURED),
    "pca-pixels grey": lambda _: (PcaPixels(DIGITS), DIGITS[:50]),
    "pca-pixels RGB": lambda _: (PcaPixels(COLOURED), COLOURED),
    "classifier": lambda path: (ClassifierFeatures(path, shape=(1, 8, 8)), DIGITS[:50]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_features_belong_to_the_image_alone(name: str, classifier: Path) -> None:
    extract, images = MAKERS[name](classifier)
    before = images.copy()
    features = extract.features(images)
    assert features.dtype == np.float64
    assert features.shape == (len(images), features.shape[1])
    assert np.isfinite(features).all()
    assert features.std(axis=0).min() >= 0 and np.linalg.matrix_rank(features - features.mean(0)) > 5
    assert np.array_equal(features, extract.features(images))
    order = np.random.default_rng(0).permutation(len(images))[:17]
    np.testing.assert_allclose(extract.features(images[order]), features[order], rtol=1e-4, atol=1e-5)
    assert np.array_equal(images, before)
    again, _ = MAKERS[name](classifier)
    assert again.sha256 == extract.sha256 and len(extract.sha256) == 64
    probabilities = extract.probabilities(images)
    if name == "classifier":
        np.testing.assert_allclose(probabilities.sum(1), 1)
    else:
        assert probabilities is None


@pytest.mark.parametrize("name", MAKERS)
def test_anything_but_images_is_refused(name: str, classifier: Path) -> None:
    extract, images = MAKERS[name](classifier)
    for wrong in (images / 255, images[0], images[:0], np.repeat(images[:, :1], 2, axis=1)):
        with pytest.raises(ValueError, match=r"images: .*expected"):
            extract.features(wrong)


def test_the_table_of_extractors() -> None:
    assert build("random-convolution", train=DIGITS).name == "random-convolution"
    assert build("pca-pixels", train=DIGITS).name == "pca-pixels"
    assert {"inception", "dinov2-s", "dinov2-b", "dinov2-l"} <= EXTRACTORS.keys()
    for name, weights, said in (
        ("inceptoin", None, "expected one of random-convolution"),
        ("pca-pixels", Path("w.pth"), "takes no weights"),
        ("classifier", None, "expected classifier:PATH"),
        ("classifier:none.safetensors", None, "none.safetensors: cannot read"),
    ):
        with pytest.raises(InputError, match=said):
            build(name, train=DIGITS, weights=weights)


# Random convolutions


def test_random_convolution_is_the_same_everywhere() -> None:
    """The hash is part of every result; it may change only with the definition, and that only on purpose."""
    assert RandomConvolution(1).sha256.startswith("ca0f4bb237b028de")
    assert RandomConvolution(3).sha256 != RandomConvolution(1).sha256
    code = (
        "import numpy as np, hashlib; from genbench.extractors.random_convolution import RandomConvolution as R;"
        "x = np.arange(3 * 64, dtype=np.uint8).reshape(3, 1, 8, 8);"
        "print(hashlib.sha256(R(1).features(x).tobytes()).hexdigest())"
    )
    x = np.arange(3 * 64, dtype=np.uint8).reshape(3, 1, 8, 8)
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == sha256(RandomConvolution(1).features(x).tobytes())


def test_random_convolution_sees_texture_layout_and_brightness() -> None:
    """Fréchet distances of what a generator may get wrong lie far above that of real data."""
    extract = RandomConvolution(1)
    real, fake = extract.features(DIGITS[:800]), extract.features(DIGITS[800:1600])
    floor = frechet_value(real, fake)
    shuffled = np.random.default_rng(0).permuted(DIGITS[800:1600].reshape(800, 1, 64), axis=2)
    wrongs = {
        "texture": shuffled.reshape(800, 1, 8, 8),
        "layout": DIGITS[800:1600, :, ::-1],
        "brightness": DIGITS[800:1600] // 2,
        "modes": DIGITS[800:900].repeat(8, axis=0),
    }
    for name, wrong in wrongs.items():
        assert frechet_value(real, extract.features(np.ascontiguousarray(wrong))) > 2 * floor, name


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5), (1, 64, 33)])
def test_random_convolution_takes_any_size(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    assert RandomConvolution(shape[0]).features(images).shape == (3, 240)


# PCA


@pytest.mark.parametrize("images", [DIGITS[:300], COLOURED], ids=["n > d", "n < d"])
def test_pca_pixels_is_that_of_scikit_learn(images: np.ndarray) -> None:
    from sklearn.decomposition import PCA

    rows = images.reshape(len(images), -1) / 255
    theirs = PCA(20, svd_solver="full").fit(rows)
    ours = PcaPixels(images, components=20).features(images)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs.transform(rows)), atol=1e-9)
    np.testing.assert_allclose(ours.var(axis=0, ddof=1), theirs.explained_variance_)  # not whitened
    assert PcaPixels(images).components == min(64, len(images) - 1, rows.shape[1])


def test_pca_pixels_belongs_to_its_training_images() -> None:
    assert PcaPixels(DIGITS[:100]).sha256 != PcaPixels(DIGITS[1:101]).sha256
    assert PcaPixels(DIGITS[:100]).sha256 != PcaPixels(DIGITS[:100], components=3).sha256
    with pytest.raises(ValueError, match="components: 100"):
        PcaPixels(DIGITS[:50], components=100)
    large = np.repeat(np.repeat(DIGITS[:30], 8, axis=2), 8, axis=3)  # 64 × 64, averaged down to 32 × 32
    assert PcaPixels(large).axes.shape == (1024, 29)


# The domain classifier


def test_classifier_gives_what_it_gives_inside_a_run(classifier: Path) -> None:
    prepared = data.load(classifier.parent / "digits.safetensors")
    trained = domain.load(classifier, prepared)
    levels = prepared.held_out.x[:100]
    inside, outside = trained(levels), ClassifierFeatures(classifier, shape=(1, 8, 8))
    images = np.round(levels * (255 / 16)).astype(np.uint8)
    np.testing.assert_allclose(outside.features(images), inside.features, atol=0.05)
    assert outside.sha256 == trained.sha256
    assert np.corrcoef(outside.probabilities(images).ravel(), inside.probabilities.ravel())[0, 1] > 0.999
    with pytest.raises(InputError, match="1-channel images; expected 3 channels"):
        ClassifierFeatures(classifier, shape=(3, 8, 8))


def test_each_seed_gives_a_classifier_of_its_own(classifier: Path) -> None:
    prepared = data.load(classifier.parent / "digits.safetensors")
    trained = domain.load(classifier, prepared)
    levels = prepared.held_out.x[:20]
    assert list(trained.classifiers) == [4, 7]
    assert (trained(levels).features == trained(levels, seed=4).features).all()
    assert (trained(levels).features != trained(levels, seed=7).features).any()
    alone, card = domain.train(prepared, Settings(steps=40, width=8, features=16, seeds=[7]))
    (classifier.parent / "alone.safetensors").write_bytes(alone)
    again = domain.load(classifier.parent / "alone.safetensors", prepared)
    assert (again(levels).features == trained(levels, seed=7).features).all()
    assert card["accuracy_by_seed"] == {"7": card["accuracy"]}


# Inception


def test_inception_equals_torch_fidelity(inception_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same random weights in both: all blocks, pools, the resizing and the logits without bias."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    with torch.no_grad():
        monkeypatch.setattr(
            nn.init, "kaiming_uniform_", lambda tensor, *_, **__: tensor
        )  # overwritten at once
        reference = theirs.FeatureExtractorInceptionV3(
            "reference", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(inception_file)
        )
        images = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 40), dtype=np.uint8)
        features, logits = reference(torch.from_numpy(images))
    ours = inception.InceptionFeatures(inception_file)
    found = ours.outputs(images)
    assert features.std() > 0.01
    np.testing.assert_allclose(found.features, features.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, logits.double().softmax(1).numpy(), rtol=1e-4, atol=1e-9)
    unbiased = ours.model(torch.from_numpy(images).float())[1]
    np.testing.assert_allclose(unbiased.numpy(), logits.numpy(), rtol=1e-5, atol=1e-5)
    assert not ours.published
    assert ours.sha256 == sha256(inception_file.read_bytes())


def test_inception_repeats_grey_and_loads_safetensors(inception_file: Path, tmp_path: Path) -> None:
    state = {key: value for key, value in torch.load(inception_file).items() if "num_batches" not in key}
    save_file(state, tmp_path / "weights.safetensors")
    ours = inception.InceptionFeatures(tmp_path / "weights.safetensors")
    grey = DIGITS[:1]
    coloured = np.repeat(grey, 3, axis=1)
    features = ours.features(grey)
    assert features.shape == (1, 2048)
    assert np.array_equal(features, ours.features(coloured))
    assert np.array_equal(features, inception.InceptionFeatures(inception_file).features(grey))


def test_resizing_is_tensorflows() -> None:
    """Output i looks at i·(in/out): the first pixel stays where it is, the last is repeated."""
    row = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert inception.resize(row, 4)[0, 0].tolist() == [[0, 0.5, 1, 1]] * 4
    down = inception.resize(torch.arange(4.0).view(1, 1, 1, 4), 2)
    assert down[0, 0, 0].tolist() == [0, 2]


def stored(model: nn.Module) -> int:
    """Bytes of a model's tensors in float32."""
    return 4 * sum(tensor.numel() for tensor in model.state_dict().values())


def test_models_are_as_large_as_their_published_files() -> None:
    with torch.device("meta"):
        models = [(inception.Inception(), inception.WEIGHTS)]
        models += [(dinov2.Transformer(*size[:3]), size.weights) for size in dinov2.SIZES.values()]
    for model, published in models:
        assert 0 < published.size - stored(model) < 150_000, published.file  # names and padding


# DINOv2


def small_transformer() -> dinov2.Transformer:
    model = dinov2.Transformer(32, 2, 4, places=4)
    state = random_state(model, seed=3)
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


def test_dinov2_names_are_the_official_ones() -> None:
    with torch.device("meta"):
        model = dinov2.Transformer(*dinov2.SIZES["s"][:3])
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    expected: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, 384),
        "pos_embed": (1, 1370, 384),
        "mask_token": (1, 384),
        "patch_embed.proj.weight": (384, 3, 14, 14),
        "patch_embed.proj.bias": (384,),
        "norm.weight": (384,),
        "norm.bias": (384,),
    }
    for i in range(12):
        block = {
            **{f"{norm}.{part}": (384,) for norm in ("norm1", "norm2") for part in ("weight", "bias")},
            "attn.qkv.weight": (1152, 384),
            "attn.qkv.bias": (1152,),
            "attn.proj.weight": (384, 384),
            "attn.proj.bias": (384,),
            "ls1.gamma": (384,),
            "ls2.gamma": (384,),
            "mlp.fc1.weight": (1536, 384),
            "mlp.fc1.bias": (1536,),
            "mlp.fc2.weight": (384, 1536),
            "mlp.fc2.bias": (384,),
        }
        expected |= {f"blocks.{i}.{name}": shape for name, shape in block.items()}
    assert shapes == expected


def test_dinov2_equals_torchvisions_transformer_where_scales_are_one() -> None:
    from torchvision.models import VisionTransformer

    model = small_transformer()
    theirs = VisionTransformer(
        56, 14, 2, 4, 32, 128, norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6)
    ).eval()
    theirs.heads = nn.Identity()
    names = {
        "class_token": "cls_token",
        "encoder.pos_embedding": "pos_embed",
        "conv_proj.": "patch_embed.proj.",
        "encoder.layers.encoder_layer_": "blocks.",
        "ln_1": "norm1",
        "ln_2": "norm2",
        "self_attention.in_proj_": "attn.qkv.",
        "self_attention.out_proj": "attn.proj",
        "mlp.0.": "mlp.fc1.",
        "mlp.3.": "mlp.fc2.",
        "encoder.ln.": "norm.",
    }
    ours, state = model.state_dict(), {}
    for name in theirs.state_dict():
        own = name
        for one, other in names.items():
            own = own.replace(one, other)
        state[name] = ours[own]
    theirs.load_state_dict(state)
    x = torch.randn(3, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    for block in model.blocks:
        for scale in (block.ls1, block.ls2):
            scale.gamma.fill_(1.0)
    with torch.no_grad():
        np.testing.assert_allclose(model(x).numpy(), theirs(x).numpy(), rtol=1e-4, atol=1e-5)
        before = model(x)
        model.blocks[1].ls1.gamma.fill_(0.0)
        assert not torch.allclose(model(x), before)
        model.blocks[1].ls2.gamma.fill_(0.0)
        ends = dinov2.Transformer(32, 1, 4, places=4).eval()
        ends.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("blocks.1")})
        assert torch.allclose(model(x), ends(x), atol=1e-6)  # a block with scales 0 does nothing


def test_dinov2_moves_position_embeddings_as_published() -> None:
    model = dinov2.Transformer(2, 0, 1, places=37)
    ramp = torch.arange(37.0)
    grid = torch.stack([ramp[:, None].expand(37, 37), ramp[None].expand(37, 37)], 2)
    with torch.no_grad():
        model.pos_embed.copy_(torch.cat([torch.full((1, 2), -5.0), grid.flatten(0, 1)])[None])
        assert torch.equal(model.positions(37, 37), model.pos_embed)
        moved = model.positions(16, 20)
    assert moved.shape == (1, 321, 2)
    assert moved[0, 0].tolist() == [-5, -5]
    rows, columns = moved[0, 1:].unflatten(0, (16, 20)).unbind(2)
    np.testing.assert_allclose(rows[:, 3], cubic_ramp(37, 16), atol=1e-4)
    np.testing.assert_allclose(columns[3], cubic_ramp(37, 20), atol=1e-4)


def cubic_ramp(places: int, length: int) -> np.ndarray:
    """0, 1, … places−1 at (i + ½)·places/(length + 0.1) − ½ by cubic convolution (Keys, 1981, a = −0.75), clamped."""

    def kernel(x: np.ndarray) -> np.ndarray:
        x, a = np.abs(x), -0.75
        near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
        return np.where(x <= 1, near, np.where(x < 2, far, 0))

    at = (np.arange(length) + 0.5) * places / (length + 0.1) - 0.5
    taps = np.arange(-3, places + 3)
    return (kernel(at[:, None] - taps) * taps.clip(0, places - 1)).sum(axis=1)


def test_dinov2_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = dinov2.Size(32, 2, 4, dinov2.SIZES["s"].weights)
    monkeypatch.setitem(dinov2.SIZES, "s", small)
    with torch.device("meta"):
        model = dinov2.Transformer(32, 2, 4)
    torch.save(random_state(model, seed=1), tmp_path / "small.pth")
    extract = build("dinov2-s", train=COLOURED, weights=tmp_path / "small.pth")
    assert extract.name == "dinov2-s"
    features = extract.features(COLOURED[:5])
    assert features.shape == (5, 32)
    assert np.array_equal(features, extract.features(COLOURED[:5]))
    np.testing.assert_allclose(extract.features(COLOURED[2:4]), features[2:4], rtol=1e-4, atol=1e-5)
    assert np.abs(features[0] - features[1]).max() > 1e-3
    assert extract.features(DIGITS[:2]).shape == (2, 32)


def test_dinov2_sees_images_as_imagenet_was_seen() -> None:
    grey = torch.full((1, 3, 10, 20), 255 * 0.485)
    seen = dinov2.prepared(grey)
    assert seen.shape == (1, 3, 224, 224)
    np.testing.assert_allclose(
        seen[0, :, 100, 100], [0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225], atol=1e-5
    )


# Weights


PUBLISHED = checkpoint.Published("https://example.org/w.pth", "w.pth", sha256(b"right"), 5)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty cache and no network; the list counts requests."""
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    asked: list[str] = []

    def refuse(url: str, **_: object) -> Any:
        asked.append(url)
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return asked


def test_without_weights_the_error_says_where_they_are(alone: list[str]) -> None:
    with pytest.raises(InputError) as error:
        build("inception", train=COLOURED)
    said = str(error.value)
    assert "\n" not in said
    for part in ("no route to host", inception.WEIGHTS.url, "96 MB", "6726825d", "--weights"):
        assert part in said
    assert alone == [inception.WEIGHTS.url]
    with pytest.raises(InputError, match="dinov2_vitb14_pretrain"):
        build("dinov2-b", train=COLOURED)


def test_a_download_is_checked_and_kept(
    alone: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(content: bytes) -> None:
        monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(content))

    refuse = urllib.request.urlopen
    answer(b"wrong")
    with pytest.raises(InputError, match=rf"5 bytes; expected {PUBLISHED.sha256[:8]}"):
        checkpoint.find(PUBLISHED, None, name="test")
    assert not list(tmp_path.rglob("w.pth*"))
    answer(b"right")
    assert checkpoint.find(PUBLISHED, None, name="test") == (b"right", PUBLISHED.url)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    cached = tmp_path / "cache/w.pth"
    assert checkpoint.find(PUBLISHED, None, name="test") == (b"right", str(cached))
    cached.write_bytes(b"damaged")  # a damaged copy is no copy
    with pytest.raises(InputError, match="no route to host"):
        checkpoint.find(PUBLISHED, None, name="test")
    there = tmp_path / "torch/hub/checkpoints/w.pth"  # where other tools keep it
    there.parent.mkdir(parents=True)
    there.write_bytes(b"right")
    assert checkpoint.find(PUBLISHED, None, name="test") == (b"right", str(there))


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"no weights at all", "damaged"),
        (saved({"a": torch.ones(2)})[:-200], "damaged"),
        (saved({"a": Path("executable")}), "damaged"),
        (saved([1, 2]), "holds list; expected a state dict"),
        (saved({"a": 1}), "holds dict; expected a state dict of tensors"),
        (saved({"weight": torch.ones(3)}), r"'bias' is missing \(1 such\)"),
        (saved({"weight": torch.ones(3), "bias": torch.ones(3), "c": torch.ones(1)}), "'c' is unknown"),
        (
            saved({"weight": torch.ones(3), "bias": torch.ones(4)}),
            r"'bias' has shape \(4,\); expected \(3,\)",
        ),
    ],
)
def test_unusable_weights_are_named(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        checkpoint.fill(nn.LayerNorm(3), checkpoint.tensors(content, source="w.pth"), source="w.pth")
    assert str(error.value).startswith("w.pth: ")
    assert "\n" not in str(error.value)


def test_half_precision_weights_are_read_in_single() -> None:
    state = {"weight": torch.ones(3, dtype=torch.float16), "bias": torch.zeros(3, dtype=torch.float16)}
    model = checkpoint.fill(nn.LayerNorm(3), checkpoint.tensors(save(state), source="w"), source="w")
    assert model(torch.randn(2, 3)).dtype == torch.float32
