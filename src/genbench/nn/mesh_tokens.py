"""The grammar of a mesh's tokens (see data.parts.mesh_tokens), and what every model of them shares: masks, likelihood,
sampling.

What may follow what is as in PolyGen (Nash et al., 2020, arXiv:2002.10880), appendix on masking:

vertices  z does not fall; y does not fall while z stays; x rises while z and y stay; they stop between vertices
faces     a face starts at or above the last one's start and at or below the lowest vertex that no face has; its other
          vertices are new to it and above its start; it has three at least

To these is added what never leads to a dead end: no z, y after which nothing could follow; as many vertices and corners
as leave room for the stop within the length of a row.  So what is drawn is always a whole row, and the probabilities
of all whole rows sum to one.  A row against the grammar has probability 0.
"""

import math
from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Data, GenerativeModel, Space, Splits
from genbench.nn.attention import KVCache

CHUNK, TOGETHER = 500, 100
NEVER = -1e30
NEGLIGIBLE = 30.0


class Tokens(NamedTuple):
    """Rows taken apart.  vertices: (n, T), 0 … 2^bits; faces: (n, S); padded with −1.  counts: (n,) whole vertices.

    whole: (n,) whether a row has both stops and nothing after them.
    """

    vertices: Tensor
    faces: Tensor
    counts: Tensor
    whole: Tensor


def split(x: Tensor) -> Tokens:
    """Rows (n, L) of tokens, as floats or integers -> their parts, no longer than the longest of each."""
    x = x.round().long()
    n, length = x.shape
    places = torch.arange(length, device=x.device).expand(n, -1)
    stops = x == 0
    first = torch.where(stops, places, length).amin(1)  # (n,)
    second = torch.where(stops & (places > first[:, None]), places, length).amin(1)
    last = torch.where(x != -1, places, -1).amax(1)
    filled = (x[:, :-1] >= 0).long().cumprod(1).sum(1) >= second.clamp_max(length - 1)
    vertices = torch.where(places <= first[:, None], x, -1)[:, : int(first.max()) + 1]
    moved = places + first[:, None] + 1
    inside = moved <= second.clamp_max(length - 1)[:, None]
    faces = torch.where(inside, x.gather(1, moved.clamp_max(length - 1)), -1)
    widest = max(1, int(inside.sum(1).max()))
    return Tokens(vertices, faces[:, :widest], first // 3, (second < length) & (last == second) & filled)


def join(vertices: Tensor, faces: Tensor, length: int) -> Tensor:
    """The other way: parts padded with −1 -> rows (n, L)."""
    both = torch.cat([vertices, faces], 1)
    order = (both < 0).to(torch.uint8).argsort(dim=1, stable=True)
    rows = both.gather(1, order)[:, :length]
    return F.pad(rows, (0, length - rows.shape[1]), value=-1)


def vertex_mask(before: Tensor, positions: Tensor, *, levels: int, most: int) -> Tensor:
    """What may stand at `positions` (p,), given the tokens before them (n, t): bool (n, p, 1 + levels)."""
    q = F.pad(
        before - 1, (3, 3), value=-1
    )  # a vertex below all others first; three values that nothing looks at
    k = positions % 3
    start = positions - k
    last_z, last_y, last_x, z, y = (q[:, start + i] for i in range(5))
    top = levels - 1
    least_z = last_z + ((last_y == top) & (last_x == top))
    least_y = torch.where(z == last_z, last_y + (last_x == top), 0)
    least_x = torch.where((z == last_z) & (y == last_y), last_x + 1, 0)
    least = torch.where(k == 0, least_z, torch.where(k == 1, least_y, least_x))
    values = torch.arange(levels, device=before.device) >= least[..., None]
    values &= (positions < 3 * most)[:, None]
    stop = ((k == 0) & (positions > 0)).expand(len(before), -1)
    return torch.cat([stop[..., None], values], 2)


def face_mask(before: Tensor, count: Tensor, room: Tensor, positions: Tensor, *, most: int) -> Tensor:
    """What may stand at `positions` (p,), given the tokens before them (n, t): bool (n, p, 2 + most).

    count: (n,) vertices.  room: (n,) tokens that the faces and their stop may take.
    """
    t = before.shape[1]
    index = torch.arange(most, device=before.device)
    hot = (before[..., None] - 2 == index).long()  # (n, t, V)
    used = F.pad(hot.cumsum(1), (0, 0, 1, 0))  # (n, t + 1, V): how often in the tokens before
    places = torch.arange(1, t + 1, device=before.device)
    begins = F.pad(
        torch.where(before == 1, places, 0).cummax(1).values if t else before, (1, 0)
    )  # (n, t + 1)
    begin = begins[:, positions]  # where the face at hand begins
    used_now, used_then = used[:, positions], used.gather(1, begin[..., None].expand(-1, -1, most))
    size = positions - begin
    padded = F.pad(before, (0, 1), value=1)
    start = padded.gather(1, begin) - 2
    earlier = begins.gather(1, (begin - 1).clamp_min(0))  # where the face before it begins
    least = torch.where(begin > 0, padded.gather(1, earlier) - 2, 0)
    unused = (used_now == 0) & (index < count[:, None, None])
    lowest = torch.where(unused, index, most).amin(2)
    highest = torch.minimum(lowest, count[:, None] - 3)
    left = room[:, None] - positions
    opening = (index >= least[..., None]) & (index <= highest[..., None])
    going_on = (index > start[..., None]) & (index < count[:, None, None]) & (used_now == used_then)
    going_on &= (left >= 2 + (2 - size).clamp_min(0))[..., None]
    corners = torch.where((size == 0)[..., None], opening, going_on)
    end = (size >= 3) & (left >= 5)
    stop = (size >= 3) | ((positions == 0) & (count < 3)[:, None])
    return torch.cat([stop[..., None], end[..., None], corners], 2)


class MeshModel(GenerativeModel):
    """p(V) = Π p(v_t | v_<t), p(F | V) = Π p(f_t | f_<t, V): a subclass gives logits, this masks them, and all else.

    bits: of the coordinates; must be the data's.
    """

    exact = True
    class_log_p: Tensor

    def __init__(self, space: Space, *, bits: int) -> None:
        super().__init__(space)
        if space.kind != "mesh" or len(space.shape) != 1 or space.shape[0] < 14:
            raise ValueError(f"got {space.kind} of shape {space.shape}; expected meshes of 14 tokens or more")
        if not 1 <= bits <= 10:
            raise ValueError(f"bits: got {bits}; expected 1 to 10")
        self.length, self.values = space.shape[0], 2**bits
        self.most = (self.length - 5) // 3  # vertices that leave room for one triangle
        classes = max(space.classes, 1)
        self.register_buffer("class_log_p", torch.full((classes,), 1 / classes).log())

    @abstractmethod
    def vertex_logits(self, before: Tensor, labels: Tensor, cache: KVCache | None = None) -> Tensor:
        """Tokens (n, t), labels (n,) -> (n, t + 1, 1 + values): of the token at 0 … t.  With a cache: of t alone."""

    @abstractmethod
    def face_logits(
        self, before: Tensor, vertices: Tensor, count: Tensor, labels: Tensor, cache: KVCache | None = None
    ) -> Tensor:
        """Tokens (n, t), all of the vertices (n, 3·count …) -> (n, t + 1, 2 + most), as above."""

    def fit(self, splits: Splits) -> None:
        """Class frequencies, add-one; and a look at the data's coordinates.

        Raises:
            ValueError: the data has more bits than the model.
        """
        highest = int(split(splits.train.whole()).vertices.max())
        if highest > self.values:
            raise ValueError(
                f"bits: got {self.values.bit_length() - 1}, but the data holds the level {highest - 1}"
            )
        if splits.train.label is not None:
            counts = torch.bincount(splits.train.label, minlength=len(self.class_log_p)) + 1.0
            self.class_log_p.copy_((counts / counts.sum()).log())

    def vertex_nats(self, tokens: Tokens, labels: Tensor) -> Tensor:
        """log p(vertices | label), (n,)."""
        v = tokens.vertices
        at = torch.arange(v.shape[1], device=v.device)
        mask = vertex_mask(v[:, :-1], at, levels=self.values, most=self.most)
        return _chosen(self.vertex_logits(v[:, :-1].clamp(0, self.values), labels), mask, v)

    def face_nats(self, tokens: Tokens, labels: Tensor) -> Tensor:
        """log p(faces | vertices, label), (n,)."""
        f, v, count = tokens.faces, tokens.vertices.clamp(0, self.values), tokens.counts.clamp_max(self.most)
        at = torch.arange(f.shape[1], device=f.device)
        room = self.length - 3 * tokens.counts - 1
        mask = face_mask(f[:, :-1], count, room, at, most=self.most)
        logits = self.face_logits(f[:, :-1].clamp(0, self.most + 1), v, count, labels)
        return _chosen(logits, mask, f).masked_fill(~tokens.whole, float("-inf"))

    def vertex_loss(self, batch: Batch) -> Tensor:
        """Mean nats a token."""
        tokens = split(batch.x)
        return -self.vertex_nats(tokens, self.labels_of(batch)).sum() / (tokens.vertices >= 0).sum()

    def face_loss(self, batch: Batch) -> Tensor:
        """Mean nats a token, given the vertices."""
        tokens = split(batch.x)
        return -self.face_nats(tokens, self.labels_of(batch)).sum() / (tokens.faces >= 0).sum()

    def log_prob(self, x: Tensor) -> Tensor:
        """log Σ_c p(c) p(V | c) p(F | V, c), where the model looks at classes.

        Faces are left out for classes whose vertices alone are e^−NEGLIGIBLE less likely than the whole of another.
        """
        order = split(x).counts.argsort(stable=True)  # rows of a length together: less padding
        parts = [self._log_prob(split(x[rows])) for rows in order.split(TOGETHER)]
        return torch.cat(parts)[order.argsort()]

    def _log_prob(self, tokens: Tokens) -> Tensor:
        n = len(tokens.counts)
        nowhere = tokens.counts.new_zeros(n)
        if not self.conditional:
            return self.vertex_nats(tokens, nowhere) + self.face_nats(tokens, nowhere)
        classes = len(self.class_log_p)
        parts = [self.vertex_nats(tokens, nowhere + label) for label in range(classes)]
        log_p = torch.stack(parts, 1) + self.class_log_p  # (n, classes)
        best = log_p.argmax(1)
        of_best = self.face_nats(tokens, best)
        least = log_p.amax(1) + of_best - NEGLIGIBLE
        for label in range(classes):
            rows = torch.nonzero((log_p[:, label] >= least) & (best != label))[:, 0]
            if len(rows):
                few = Tokens(*(part[rows] for part in tokens))
                log_p[rows, label] += self.face_nats(few, nowhere[rows] + label)
        log_p[torch.arange(n, device=best.device), best] += of_best
        return log_p.logsumexp(1)

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Bits a vertex of each held-out mesh, given its class where the model looks at classes (paper, table 1)."""
        x, labels = splits.held_out.whole(), self.labels_of(splits.held_out)
        bits: dict[str, list[Tensor]] = {"vertices": [], "faces": []}
        for rows, classes in zip(x.split(CHUNK), labels.split(CHUNK), strict=True):
            tokens = split(rows)
            scale = -1 / (math.log(2) * tokens.counts)
            bits["vertices"].append(self.vertex_nats(tokens, classes) * scale)
            bits["faces"].append(self.face_nats(tokens, classes) * scale)
        meaning = "−log₂ of the probability of a held-out mesh's {}, over its number of vertices{}."
        given = {"vertices": "", "faces": ", given the vertices"}
        return {
            f"{part}, bits per vertex": Measure(torch.cat(values), meaning.format(part, given[part]), "down")
            for part, values in bits.items()
        }

    def labels_of(self, batch: Data) -> Tensor:
        if batch.label is not None and self.conditional:
            return batch.label
        return torch.zeros(len(batch.x), dtype=torch.long, device=batch.x.device)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """Without labels they are drawn as often as in training."""
        if condition is None:
            condition = torch.multinomial(self.class_log_p.exp(), n, replacement=True, generator=rng)
        return torch.cat([self._draw(part, rng) for part in condition.split(CHUNK)]).short()

    def _draw(self, labels: Tensor, rng: Generator) -> Tensor:
        vertices = labels.new_zeros(len(labels), 0)
        cache: KVCache = {}
        while vertices.shape[1] <= 3 * self.most and (
            not vertices.shape[1] or bool((vertices[:, -1] > 0).any())
        ):
            at = labels.new_tensor([vertices.shape[1]])
            mask = vertex_mask(vertices, at, levels=self.values, most=self.most)
            logits = self.vertex_logits(vertices.clamp_min(0), labels, cache)
            vertices = _append(vertices, logits[:, -1], mask[:, 0], rng)
        count = (vertices > 0).sum(1) // 3
        room = self.length - 3 * count - 1
        faces = labels.new_zeros(len(labels), 0)
        cache = {}
        while not faces.shape[1] or bool((faces[:, -1] > 0).any()):
            at = labels.new_tensor([faces.shape[1]])
            mask = face_mask(faces, count, room, at, most=self.most)
            logits = self.face_logits(faces.clamp_min(0), vertices.clamp_min(0), count, labels, cache)
            faces = _append(faces, logits[:, -1], mask[:, 0], rng)
        return join(vertices, faces, self.length)


def _append(tokens: Tensor, logits: Tensor, mask: Tensor, rng: Generator) -> Tensor:
    """One token more where a sequence goes on, −1 where it has ended."""
    ended = (tokens[:, -1] <= 0) if tokens.shape[1] else torch.zeros(len(tokens), dtype=torch.bool)
    p = logits.masked_fill(~mask, NEVER).softmax(1)
    drawn = torch.multinomial(p, 1, generator=rng)[:, 0]
    return torch.cat([tokens, drawn.masked_fill(ended.to(drawn.device), -1)[:, None]], 1)


def _chosen(logits: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
    """Masked logits (n, t, k) and the tokens there (n, t) -> Σ_t log p, (n,); −1 counts nothing."""
    log_p = logits.masked_fill(~mask, NEVER).log_softmax(2)
    known = tokens.clamp(0, logits.shape[2] - 1)
    chosen = log_p.gather(2, known[..., None])[..., 0]
    allowed = mask.gather(2, known[..., None])[..., 0] & (tokens < logits.shape[2])
    chosen = chosen.masked_fill(~allowed, float("-inf"))
    return chosen.masked_fill(tokens < 0, 0.0).sum(1)
