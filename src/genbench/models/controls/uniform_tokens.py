"""Control: every token that may follow is as likely as any other.

What a mesh costs that is known to be a row of the grammar, and nothing else.  The paper of PolyGen (arXiv:2002.10880)
compares with uniform tokens without that knowledge, 3 log₂ 257 bits a vertex and more.
"""

from typing import ClassVar

from torch import Tensor

from genbench.core import Phase, Space
from genbench.nn.attention import KVCache
from genbench.nn.mesh_tokens import MeshModel


class UniformTokens(MeshModel):
    """bits: of the data's coordinates."""

    tiny: ClassVar = {"bits": 1}

    def __init__(self, space: Space, *, bits: int = 8) -> None:
        super().__init__(space, bits=bits)

    def phases(self) -> list[Phase]:
        return [Phase("classes", fit=self.fit)]

    def vertex_logits(self, before: Tensor, labels: Tensor, cache: KVCache | None = None) -> Tensor:
        return self.class_log_p.new_zeros(len(before), before.shape[1] + 1, 1 + self.values)

    def face_logits(
        self, before: Tensor, vertices: Tensor, count: Tensor, labels: Tensor, cache: KVCache | None = None
    ) -> Tensor:
        return self.class_log_p.new_zeros(len(before), before.shape[1] + 1, 2 + self.most)
