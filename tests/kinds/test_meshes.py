"""Meshes: the library against planted faults, the solids, the grammar counted by hand, PolyGen's two paths."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from test_models import every_mesh
from torch import Generator, Tensor
from typer.testing import CliRunner

from genbench.cli.application import app
from genbench.core import Batch, Space, Splits
from genbench.data.parts import mesh_geometry, obj
from genbench.data.parts import mesh_tokens as meshes
from genbench.data.parts.mesh_tokens import Mesh, MeshError
from genbench.data.parts.solids import CLASSES
from genbench.data.prepared import load, prepare
from genbench.data.source import Source
from genbench.data.sources import meshes as source
from genbench.kinds.comparison import Subject
from genbench.kinds.mesh import embedding, rendering
from genbench.kinds.mesh.comparison import compare
from genbench.kinds.mesh.distance import DISTANCE
from genbench.kinds.mesh.drawing import DRAWING, SIDE
from genbench.kinds.mesh.extractor import train
from genbench.models.autoregressive.polygen import PolyGen
from genbench.models.controls.token_frequency import TokenFrequency
from genbench.models.controls.uniform_tokens import UniformTokens
from genbench.nn.mesh_tokens import face_mask, join, split, vertex_mask
from genbench.params.schema import Dataset, Extractor
from genbench.scoring import resampling
from genbench.scoring.catalogue import SCORES
from genbench.scoring.metrics import nearest
from genbench.storage.files import InputError, npz_bytes, write_all

# A box: z, then y, then x ascends.
CORNERS = np.array([(x, y, z) for z in (40, 200) for y in (60, 190) for x in (20, 230)])
BOX = Mesh(CORNERS, ((0, 2, 3, 1), (0, 1, 5, 4), (0, 4, 6, 2), (1, 3, 7, 5), (2, 6, 7, 3), (4, 5, 7, 6)))
TINY = Space("mesh", (18,), 0, 2)


@pytest.fixture(scope="module")
def drawn() -> Source:
    return source.load(train=180, held_out=45, seed=3)


def tiny_polygen(**options: Any) -> PolyGen:
    torch.manual_seed(0)
    sizes = {"bits": 1, "width": 16, "vertex_layers": 2, "face_layers": 2, "heads": 2} | options
    model = PolyGen(TINY, **sizes)
    for parameter in model.parameters():  # far from uniform
        parameter.data += 0.3 * torch.randn(parameter.shape)
    return model.eval()


# The library.


def test_a_box_is_closed_and_without_degenerate_faces_and_its_volume_is_known() -> None:
    assert mesh_geometry.is_closed(BOX)
    assert mesh_geometry.degenerate_faces(BOX) == []
    assert mesh_geometry.is_valid(BOX)
    assert mesh_geometry.volume(BOX) == pytest.approx(210 * 130 * 160)


@pytest.mark.parametrize(
    "faces",
    [
        pytest.param(BOX.faces[:-1], id="a face is missing"),
        pytest.param((*BOX.faces[:-1], BOX.faces[-1][::-1]), id="a face is inside out"),
        pytest.param((*BOX.faces, BOX.faces[0]), id="a face is there twice"),
        pytest.param((*BOX.faces, (0, 1, 2), (0, 2, 1)), id="two faces share an edge with two others"),
        pytest.param((), id="there is no face"),
    ],
)
def test_open_meshes_are_found(faces: Any) -> None:
    assert not mesh_geometry.is_closed(Mesh(CORNERS, faces))
    assert not mesh_geometry.is_valid(Mesh(CORNERS, faces))


@pytest.mark.parametrize("face", [(0, 1), (0, 1, 1), (0, 1, 8), (0, 1, -1), (0, 1, 5, 4, 0)])
def test_degenerate_faces_are_found(face: tuple[int, ...]) -> None:
    assert mesh_geometry.degenerate_faces(Mesh(CORNERS, (*BOX.faces, face))) == [6]


def test_a_closed_mesh_with_a_face_without_area_is_not_valid() -> None:
    middle = np.concatenate([CORNERS, [(125, 60, 40)]])  # on the edge 0–1: the triangle 0 1 8 is flat
    mesh = Mesh(middle, ((0, 8, 1, 5, 4), (0, 2, 3, 1), (0, 1, 8), *BOX.faces[2:]))
    assert mesh_geometry.is_closed(mesh)
    assert mesh_geometry.degenerate_faces(mesh) == [2]
    assert not mesh_geometry.is_valid(mesh)


def test_packing_is_as_documented_and_unpacks() -> None:
    tetrahedron = Mesh(
        np.array([(0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)]), ((0, 1, 3), (0, 2, 1), (0, 3, 2), (1, 2, 3))
    )
    row = meshes.pack(tetrahedron, length=32)
    vertices = [1, 1, 1, 1, 1, 10, 1, 10, 1, 10, 1, 1, 0]
    assert row.tolist() == [*vertices, 2, 3, 5, 1, 2, 4, 3, 1, 2, 5, 4, 1, 3, 4, 5, 0, -1, -1, -1]
    assert row.dtype == np.int16
    back = meshes.unpack(row)
    assert back.faces == tetrahedron.faces
    assert np.array_equal(back.vertices, tetrahedron.vertices)
    with pytest.raises(ValueError, match="takes 29 tokens; expected at most 28"):
        meshes.pack(tetrahedron, length=28)
    with pytest.raises(MeshError, match="expected them to ascend by"):
        meshes.pack(Mesh(tetrahedron.vertices[::-1], tetrahedron.faces), length=32)


def test_canonical_merges_orders_and_turns() -> None:
    order = np.random.default_rng(0).permutation(8)
    place = np.argsort(order)
    twice = np.concatenate([CORNERS[order], CORNERS[:1]])  # vertex 8 lies on the box's vertex 0
    swapped = [[8 if i == 0 else int(place[i]) for i in face] for face in BOX.faces]
    turned = tuple(tuple(face[2:] + face[:2]) for face in reversed(swapped))
    found = meshes.canonical(Mesh(twice, turned))
    assert np.array_equal(found.vertices, CORNERS)
    assert found.faces == BOX.faces


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: [7] * len(row), "no 0; expected one after the vertices"),
        (lambda row: [*row[:23], *row[24:]], "23 coordinates; expected three a vertex"),
        (lambda row: [0, *row], "0 coordinates"),
        (lambda row: [300, *row[1:]], "token 0: 300; expected a coordinate, 1 to 256"),
        (lambda row: [-1, *row[1:]], "token 0: -1; expected a coordinate"),
        (lambda row: [*row[3:6], *row[:3], *row[6:]], r"vertex 1: \(41, 61, 21\) after \(41, 61, 231\)"),
        (lambda row: [*row[:3], *row[:3], *row[6:]], "expected them to ascend"),
        (lambda row: [*row[:27], *row[29:]], "token 27: a face of 2 vertices; expected at least 3"),
        (lambda row: [*row[:25], 10, *row[26:]], "token 25: 10; expected a vertex, 2 to 9"),
        (lambda row: [*row[:26], row[25], *row[27:]], r"vertex 0 in \[0\]; expected a new one"),
        (lambda row: [*row[:25], 6, *row[26:]], r"vertex 2 in \[4\]; expected a new one above 4"),
        (lambda row: [*row[:25], *row[50:54], 1, *row[25:29], 0], r"face from 0 after 4"),
        (lambda row: [token for token in row[:-1] if token != -1], "expected another after the faces"),
        (lambda row: [*row, 3], "3 after the last 0"),
    ],
)
def test_malformed_rows_are_reported_not_crashed_on(change: Any, message: str) -> None:
    row = meshes.pack(BOX, length=55).tolist()
    assert isinstance(meshes.unpacked(np.array([row]))[0], Mesh)
    changed = np.array([change(row)])
    with pytest.raises(MeshError, match=message):
        meshes.unpack(changed[0])
    assert isinstance(meshes.unpacked(changed)[0], MeshError)


def read_obj(text: str) -> Mesh:
    """The vertices, as lengths, and faces, as what reads OBJ files finds them; y is up there."""
    lines = [line.split() for line in text.splitlines()]
    points = [[float(x), -float(z), float(y)] for word, x, y, z in (line for line in lines if line[0] == "v")]
    faces = tuple(tuple(int(i) - 1 for i in line[1:]) for line in lines if line[0] == "f")
    return Mesh(np.array(points), faces)


def test_obj_files_hold_what_the_format_says_and_read_back(drawn: Source) -> None:
    lines = obj.to_obj(BOX, name="box").splitlines()
    assert lines[0] == "o box"
    assert lines[1] == "v -0.421569 -0.343137 0.264706"  # x, z, −y: up is y
    assert next(line for line in lines if line[0] == "f") == "f 1 3 4 2"
    for row in drawn.train.x[:27]:
        mesh = meshes.unpack(row)
        back = read_obj(obj.to_obj(mesh))
        assert back.faces == mesh.faces
        assert np.array_equal(meshes.quantised(back.vertices, bits=8), mesh.vertices)
        assert mesh_geometry.volume(back) > 0


def test_pictures_follow_from_the_mesh_and_show_an_open_one_from_inside() -> None:
    picture = rendering.render(BOX, side=48)
    assert picture.shape == (48, 48, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, rendering.render(BOX, side=48))

    def red(mesh: Mesh) -> int:
        shown = rendering.render(mesh, side=48).astype(int)
        return int((shown[..., 0] > shown[..., 2] + 40).sum())

    order = tuple(reversed(BOX.faces))
    assert np.array_equal(picture, rendering.render(Mesh(CORNERS, order), side=48)), (
        "nearer faces must hide others"
    )
    assert red(BOX) == 0
    assert red(Mesh(CORNERS, BOX.faces[:-1])) > 100  # without its lid
    assert int((picture != rendering.PAPER).any(2).sum()) > 500


def test_the_embedding_is_the_kernel_distance_of_the_sets_of_vertices(drawn: Source) -> None:
    found = [meshes.unpack(row) for row in drawn.train.x[:40]]
    x = embedding.embedding(found)
    turned = [Mesh(mesh.vertices[::-1], ()) for mesh in found]
    assert np.allclose(embedding.embedding(turned), x, atol=1e-12)
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    assert distances[~np.eye(40, dtype=bool)].min() > 1e-4

    def kernel(a: Mesh, b: Mesh) -> float:
        gaps = (meshes.lengths(a.vertices, bits=8)[:, None] - meshes.lengths(b.vertices, bits=8)[None]) ** 2
        return float(np.exp(-gaps.sum(2) / (2 * embedding.BANDWIDTH**2)).mean())

    exact = np.array([[kernel(a, a) + kernel(b, b) - 2 * kernel(a, b) for b in found] for a in found])
    assert np.abs(distances**2 - exact).max() < 0.12
    assert np.corrcoef(distances.ravel(), np.sqrt(exact.clip(0)).ravel())[0, 1] > 0.97
    assert not embedding.embedding([MeshError("no mesh")]).any()


# The solids.


def test_every_solid_is_valid_points_outwards_and_stands_in_order(drawn: Source) -> None:
    for rows, labels in ((drawn.train.x, drawn.train.y), (drawn.held_out.x, drawn.held_out.y)):
        assert rows.dtype == np.int16
        for row, label in zip(rows, labels, strict=True):
            mesh = meshes.unpack(row)
            assert mesh_geometry.is_valid(mesh), list(CLASSES)[label]
            assert mesh_geometry.volume(mesh) > 0
            assert 4 <= len(mesh.vertices) <= 30
            again = meshes.canonical(mesh)
            assert again.faces == mesh.faces
            assert np.array_equal(again.vertices, mesh.vertices)
            assert {i for face in mesh.faces for i in face} == set(range(len(mesh.vertices)))
    assert any(len(face) > 4 for row in drawn.train.x for face in meshes.unpack(row).faces)


def test_no_mesh_is_there_twice_and_seeds_decide(drawn: Source) -> None:
    rows = [row.tobytes() for row in (*drawn.train.x, *drawn.held_out.x)]
    assert len(set(rows)) == len(rows) == 225
    assert set(np.bincount(drawn.train.y).tolist()) | set(np.bincount(drawn.held_out.y).tolist()) != {0}
    assert drawn.classes == len(CLASSES) == len(drawn.about["class_names"]) >= 6
    one, same, other = (source.load(train=30, held_out=10, seed=seed).train.x.tobytes() for seed in (3, 3, 4))
    assert one == same != other
    assert drawn.about["tokens"] == drawn.train.x.shape[1]
    with pytest.raises(InputError, match="bits: with 4 there are not 400 different meshes"):
        source.load(train=390, held_out=10, bits=4)
    with pytest.raises(InputError, match="bits: got 3; expected 4 to 10"):
        source.load(bits=3)


# What the stages know of meshes.


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small dataset, its file, and the file that stands for an extractor."""
    folder = tmp_path_factory.mktemp("meshes")
    (folder / "d.safetensors").write_bytes(prepare("d", Dataset(source="meshes", train=90, held_out=40)))
    data = load(folder / "d.safetensors")
    (folder / "e.safetensors").write_bytes(train(data, Extractor(steps=1))[0])
    return data, folder


def compared(prepared: Any, samples: np.ndarray, asked: np.ndarray | None = None) -> dict[str, float]:
    data, folder = prepared
    draws = resampling.draws(40, len(samples), real_seed=0, fake_seed=1)
    found = compare(data, Subject(samples, None, asked), draws, extractor=folder / "e.safetensors", seed=0)
    for name, score in found.scores.items():
        assert name in SCORES
        assert score.replicates.shape == (resampling.RESAMPLINGS,)
        low, high = score.estimate.interval
        assert low <= score.estimate.value <= high
    json.dumps(found.facts, allow_nan=False)
    values = {name: score.estimate.value for name, score in found.scores.items()}
    return values | {"malformed": found.facts["malformed"]}


def test_held_out_meshes_score_well_and_broken_ones_do_not(prepared: Any) -> None:
    data = prepared[0]
    good = compared(prepared, data.held_out.x, data.held_out.y)
    assert good["valid_meshes"] == good["closed_meshes"] == 1
    assert good["malformed"] == 0
    assert good["mean_vertices"] == np.mean([len(meshes.unpack(row).vertices) for row in data.held_out.x])
    assert good["condition_agreement"] > 0.8
    broken = data.held_out.x.copy()
    for row in broken[:10]:  # open: the last face goes
        last = int((row != -1).sum()) - 1
        start = int(np.flatnonzero(row[:last] == 1)[-1])
        row[start], row[start + 1 :] = 0, -1
    broken[10:14, 0] = 0  # no meshes
    bad = compared(prepared, broken, data.held_out.y)
    assert bad["valid_meshes"] == bad["closed_meshes"] == 26 / 40
    assert bad["malformed"] == 4
    assert bad["condition_agreement"] < good["condition_agreement"]
    squashed = data.held_out.x[data.held_out.y == 0][np.arange(40) % 4]
    few = compared(prepared, squashed)
    assert few["recall"] < good["recall"] - 0.3
    assert few["vertex_kid"] > good["vertex_kid"] + 0.01
    assert "condition_agreement" not in few


def test_samples_are_drawn_in_grids_and_in_pairs(prepared: Any) -> None:
    data = prepared[0]
    broken = data.held_out.x[:23].copy()
    broken[5] = -1
    grid = DRAWING.grid(broken, data.card)
    assert grid.shape == (3 * (SIDE + 4) + 4, 10 * (SIDE + 4) + 4, 3)
    assert not np.array_equal(grid, DRAWING.grid(data.held_out.x[:23], data.card))
    calm, alarmed = (
        DRAWING.pairs(broken[:3], data.train.x[:3], [flag, False, False], data.card) for flag in (False, True)
    )
    assert not np.array_equal(calm, alarmed)


def test_a_copy_is_at_distance_zero_and_nothing_else_is(prepared: Any) -> None:
    data = prepared[0]
    train, held_out = (DISTANCE.vectors(x, data.card) for x in (data.train.x, data.held_out.x))
    assert np.array_equal(nearest(train, train[::3])[0][:, 0], np.zeros(30))
    assert nearest(train, held_out)[0].min() > 1e-3


def test_obj_command_writes_what_reads_back_and_names_what_is_no_mesh(prepared: Any, tmp_path: Any) -> None:
    data, folder = prepared
    x = data.held_out.x[:12].copy()
    x[2] = -1
    write_all(tmp_path / "run", {"samples.npz": npz_bytes({"x": x})})
    arguments = ["--samples", tmp_path / "run", "--data", folder / "d.safetensors", "--out", tmp_path / "obj"]
    result = CliRunner().invoke(app, ["obj", "--count", "4", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    assert "0002.obj: not written, 133 tokens and no 0" in result.output.replace(str(x.shape[1]), "133")
    assert sorted(path.name for path in (tmp_path / "obj").iterdir()) == ["0000.obj", "0001.obj", "0003.obj"]
    for i in (0, 1, 3):
        back = read_obj((tmp_path / "obj" / f"{i:04d}.obj").read_text())
        assert np.array_equal(meshes.quantised(back.vertices, bits=8), meshes.unpack(x[i]).vertices)
        assert back.faces == meshes.unpack(x[i]).faces


# The grammar, and the models.


def test_rows_come_apart_and_together_again(drawn: Source) -> None:
    x = torch.from_numpy(drawn.train.x)
    tokens = split(x)
    assert bool(tokens.whole.all())
    assert tokens.counts.tolist() == [len(meshes.unpack(row).vertices) for row in drawn.train.x]
    assert torch.equal(join(tokens.vertices, tokens.faces, x.shape[1]), x.long())


@torch.no_grad()
def test_the_masks_allow_every_mesh_and_nothing_else_of_a_tiny_space(drawn: Source) -> None:
    x = torch.from_numpy(drawn.train.x)
    model = UniformTokens(Space("mesh", (x.shape[1],), 0, 9))
    assert bool(torch.isfinite(model.log_prob(x)).all())
    every = every_mesh(18)
    assert len(every) == 8 + 28 + 56 * 6 + 70 * 12
    for row in every[::7].numpy():
        meshes.unpack(row, bits=1)
    nats = UniformTokens(TINY, bits=1).log_prob(every)
    assert float(nats.double().exp().sum()) == pytest.approx(1, abs=1e-5)
    broken = every[-1:].repeat(6, 1)  # four vertices and one quadrilateral: 0, 1 …, 13 corners …, 17 stop
    broken[0, 3] = 1  # z falls
    broken[1, 12] = 1  # no stop after the vertices
    broken[2, 13] = 3  # the first face does not start at 0
    broken[3, 15] = broken[3, 14]  # a corner twice
    broken[4, 17] = -1  # no stop
    broken[5, 15] = 1  # a face of two corners
    assert torch.isneginf(UniformTokens(TINY, bits=1).log_prob(broken)).all()


@pytest.mark.parametrize(
    "model", [tiny_polygen(), TokenFrequency(TINY, bits=1)], ids=["polygen", "frequency"]
)
@torch.no_grad()
def test_probabilities_of_all_meshes_sum_to_one(model: Any) -> None:
    p = model.log_prob(every_mesh(18)).double().exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    if isinstance(model, PolyGen):
        assert float(p.max()) > 5 * float(p.mean())
        halves = [model.vertex_nats(split(every_mesh(18)), torch.full((1212,), c)) for c in (0, 1)]
        assert not torch.allclose(*halves, atol=0.1), "the class must matter"


@torch.no_grad()
def test_the_likelihood_is_what_sampling_multiplies_step_by_step() -> None:
    """Token after token with the memory that sampling keeps, against one pass over whole rows."""
    model = tiny_polygen(bits=2)
    x = model.sample(40, rng=Generator().manual_seed(0))
    labels = torch.arange(40) % 2
    tokens = split(x)
    assert bool(tokens.whole.all())
    found = torch.zeros(40, 2)
    for i in range(40):
        label, row = labels[i : i + 1], Batch(x[i : i + 1])
        v = split(row.x).vertices
        count, room = torch.tensor([v.shape[1] // 3]), torch.tensor([18 - v.shape[1]])
        memory: dict[str, Tensor] = {}
        for t in range(v.shape[1]):
            logits = model.vertex_logits(v[:, :t], label, memory)
            mask = vertex_mask(v[:, :t], torch.tensor([t]), levels=4, most=model.most)[:, 0]
            found[i, 0] += logits[:, -1].masked_fill(~mask, -1e30).log_softmax(1)[0, v[0, t]]
        f, memory = split(row.x).faces, {}
        for t in range(f.shape[1]):
            logits = model.face_logits(f[:, :t], v, count, label, memory)
            mask = face_mask(f[:, :t], count, room, torch.tensor([t]), most=model.most)[:, 0]
            found[i, 1] += logits[:, -1].masked_fill(~mask, -1e30).log_softmax(1)[0, f[0, t]]
    assert torch.allclose(found[:, 0], model.vertex_nats(tokens, labels), atol=1e-4)
    assert torch.allclose(found[:, 1], model.face_nats(tokens, labels), atol=1e-4)
    assert float(found.sum(1).std()) > 0.5


@torch.no_grad()
def test_samples_fit_are_whole_and_follow_the_class() -> None:
    model = tiny_polygen(bits=3)
    x = model.sample(300, rng=Generator().manual_seed(0))
    assert x.dtype == torch.int16
    assert not [found for found in meshes.unpacked(x.numpy(), bits=3) if isinstance(found, MeshError)]
    assert bool(torch.isfinite(model.log_prob(x)).all())
    one, same, other = (
        model.sample(64, torch.full((64,), c), rng=Generator().manual_seed(1)) for c in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_spaces_and_data_that_do_not_fit_are_refused(drawn: Source) -> None:
    with pytest.raises(ValueError, match="got image of shape"):
        PolyGen(Space("image", (1, 8, 8), 17, 10))
    with pytest.raises(ValueError, match="bits: got 11; expected 1 to 10"):
        UniformTokens(TINY, bits=11)
    batch = Batch(torch.from_numpy(drawn.train.x), torch.from_numpy(drawn.train.y))
    with pytest.raises(ValueError, match="bits: got 4, but the data holds the level 2"):
        UniformTokens(Space("mesh", drawn.train.x.shape[1:], 0, 9), bits=4).fit(Splits(batch, batch))


def test_polygen_beats_token_frequencies_and_these_beat_uniform_tokens() -> None:
    """On few coordinates and after few steps, in bits per vertex; the faces soon."""
    data = source.load(train=180, held_out=36, bits=5)
    train, held_out = (
        Batch(torch.from_numpy(x), torch.from_numpy(y))
        for x, y in ((data.train.x, data.train.y), (data.held_out.x, data.held_out.y))
    )
    splits, space = Splits(train, held_out), Space("mesh", data.train.x.shape[1:], 0, 9)
    torch.manual_seed(0)
    polygen = PolyGen(space, bits=5, width=32, vertex_layers=1, face_layers=1, heads=2, dropout=0.0)
    frequency, uniform = TokenFrequency(space, bits=5), UniformTokens(space, bits=5)
    for model in (polygen, frequency, uniform):
        model.fit(splits)
    losses = (polygen.vertex_loss, polygen.face_loss)
    optimizer = torch.optim.Adam(polygen.parameters(), lr=1e-2)
    for step in range(16):
        rows = torch.arange(step * 10, step * 10 + 10) % 180
        optimizer.zero_grad()
        batch = Batch(train.x[rows], torch.from_numpy(data.train.y)[rows])
        torch.stack([loss(batch) for loss in losses]).sum().backward()
        optimizer.step()
    with torch.no_grad():
        polygen.eval()
        bits = [
            {title: float(m.values.mean()) for title, m in model.measure(splits, rng=Generator()).items()}
            for model in (polygen, frequency, uniform)
        ]
    titles = ["vertices, bits per vertex", "faces, bits per vertex"]
    assert list(bits[0]) == titles
    for title in titles:
        assert bits[0][title] < bits[1][title] - 0.3
        assert bits[1][title] < bits[2][title] - 0.1
    # What the grammar leaves of the 5 bits of each coordinate, and a stop now and then.
    assert 10 < bits[2][titles[0]] < 15.5
