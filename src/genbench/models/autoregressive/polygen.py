"""PolyGen (Nash, Ganin, Eslami & Battaglia, 2020), arXiv:2002.10880: meshes as sequences of varying length.

    log p(M | c) = Σ_t log p(v_t | v_<t, c) + Σ_t log p(f_t | f_<t, V, c)

The vertex model is a causal transformer over coordinates z, y, x of sorted vertices.  The face model is a pointer
network: p(f_t = k) ∝ exp(h_t · e_k), where e encodes "stop", "next face" and the vertices, h the faces so far.  Tokens
that cannot follow are masked in training as in sampling, so that the likelihood is that of what is sampled; the grammar
and the packing into rows stand in genbench.nn.mesh_tokens and genbench.meshes.
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genbench.core import Objective, Phase, Space
from genbench.nn.attention import KVCache, Transformer
from genbench.nn.embeddings import level_embedding
from genbench.nn.mesh_tokens import MeshModel
from genbench.nn.schedules import cosine

Body = Callable[..., Transformer]


class VertexModel(nn.Module):
    """Each token is embedded by its value, its coordinate and the number of its vertex."""

    def __init__(self, values: int, places: int, classes: int, width: int, transformer: Body) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(width) * 0.02)
        self.value = level_embedding(1 + values, width)
        self.coordinate = nn.Embedding(3, width)
        self.number = nn.Embedding(places // 3 + 1, width)
        self.label = nn.Embedding(classes, width)
        self.body = transformer(condition=True)
        self.logits = nn.Linear(width, 1 + values)

    def forward(self, before: Tensor, labels: Tensor, cache: KVCache | None) -> Tensor:
        """(n, t), 0 … values -> (n, t + 1, 1 + values)."""
        skip = before.shape[1] - 1 if cache else 0
        at = torch.arange(skip, before.shape[1], device=before.device)
        h = self.value(before[:, skip:]) + self.coordinate(at % 3) + self.number(at // 3)
        if not cache:
            h = torch.cat([self.start.expand(len(before), 1, -1), h], 1)
        return self.logits(self.body(h, condition=self.label(labels), cache=cache))


class FaceModel(nn.Module):
    """Vertices are encoded together; a token is embedded by what it points at, its face and its place there."""

    def __init__(
        self, values: int, places: int, classes: int, most: int, width: int, transformer: Body
    ) -> None:
        super().__init__()
        self.most = most
        self.coordinates = nn.ModuleList(level_embedding(1 + values, width) for _ in range(3))
        self.number = nn.Embedding(most, width)  # which vertex it is: the order is known, and says much
        self.label = nn.Embedding(classes, width)
        self.encoder = transformer(causal=False)
        self.controls = nn.Parameter(torch.randn(2, width) * 0.02)  # "stop" and "next face"
        self.start = nn.Parameter(torch.randn(width) * 0.02)
        self.face, self.corner = nn.Embedding(places, width), nn.Embedding(places, width)
        self.body = transformer(context=True, condition=True)
        self.pointer = nn.Linear(width, width)

    def encode(self, vertices: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, 3·V …), counts (n,) -> of both controls and the vertices encodings (n, 2 + V, w) and a mask."""
        v = max(1, int(count.max()))
        parts = zip(self.coordinates, vertices[:, : 3 * v].unflatten(1, (v, 3)).unbind(2), strict=True)
        at = torch.arange(v, device=count.device)
        mask = at < count[:, None]
        mask[:, 0] = True  # of no vertices something must be seen
        h = sum((embed(part) for embed, part in parts), self.number(at))
        encoded = torch.cat([self.controls.expand(len(count), -1, -1), self.encoder(h, mask=mask)], 1)
        return encoded, F.pad(mask, (2, 0), value=True)

    def forward(
        self, before: Tensor, vertices: Tensor, count: Tensor, labels: Tensor, cache: KVCache | None
    ) -> Tensor:
        """(n, t), 0 … 1 + most -> (n, t + 1, 2 + most)."""
        if cache is None or "encoded" not in cache:
            encoded, mask = self.encode(vertices, count)
        else:
            encoded, mask = cache["encoded"], cache["mask"]
        t, known = before.shape[1], encoded.shape[1]
        ends = before == 1
        at = torch.arange(t, device=before.device)
        began = torch.where(ends, at, 0).cummax(1).values if t else before
        skip = t - 1 if cache else 0
        pointed = F.one_hot(before[:, skip:].clamp_max(known - 1), known).to(encoded.dtype)
        h = pointed @ encoded + self.face(ends.cumsum(1)[:, skip:]) + self.corner((at - began)[:, skip:])
        if not cache:
            h = torch.cat([self.start.expand(len(before), 1, -1), h], 1)
        h = self.body(h, context=(encoded, mask), condition=self.label(labels), cache=cache)
        if cache is not None:
            cache["encoded"], cache["mask"] = encoded, mask
        logits = self.pointer(h) @ encoded.transpose(1, 2) * encoded.shape[2] ** -0.5
        return F.pad(logits, (0, 2 + self.most - known))


class PolyGen(MeshModel):
    """Classes are conditions of both models.  Each loss is the mean over tokens.

    bits: the data's.  width, heads: of all transformers.  vertex_layers: of the decoder of vertices.  face_layers: of
    the encoder and of the decoder of faces.  face_every: the face model, soon learnt, takes every so-many-th step.
    """

    conditional = "label"
    tiny: ClassVar = {"bits": 1, "width": 8, "vertex_layers": 1, "face_layers": 1}

    def __init__(
        self,
        space: Space,
        *,
        bits: int = 8,
        width: int = 256,
        vertex_layers: int = 6,
        face_layers: int = 6,
        heads: int = 8,
        dropout: float = 0.2,
        lr: float = 3e-4,
        face_every: int = 1,
    ) -> None:
        super().__init__(space, bits=bits)
        self.lr, self.face_every = lr, face_every
        sizes = (self.values, self.length, len(self.class_log_p))
        body = partial(Transformer, width, heads=heads, dropout=dropout)
        self.vertices = VertexModel(*sizes, width, partial(body, layers=vertex_layers))
        self.faces = FaceModel(*sizes, self.most, width, partial(body, layers=face_layers))

    def vertex_logits(self, before: Tensor, labels: Tensor, cache: KVCache | None = None) -> Tensor:
        return self.vertices(before, labels, cache)

    def face_logits(
        self, before: Tensor, vertices: Tensor, count: Tensor, labels: Tensor, cache: KVCache | None = None
    ) -> Tensor:
        return self.faces(before, vertices, count, labels, cache)

    def phases(self) -> list[Phase]:
        adam, schedule = partial(torch.optim.Adam, lr=self.lr), partial(cosine, warmup=0.0)
        vertices, faces = list(self.vertices.parameters()), list(self.faces.parameters())
        objectives = (
            Objective("vertices", vertices, self.vertex_loss, adam, 1, 1.0, schedule),
            Objective("faces", faces, self.face_loss, adam, self.face_every, 1.0, schedule),
        )
        return [Phase("classes", fit=self.fit), Phase("meshes", objectives)]
