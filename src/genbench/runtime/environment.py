"""The environment variables that decide in which order numbers are added, fixed for every stage.

The numerical libraries choose their kernels by the processor they run on, and sums in another order differ in the last
bits.  Here all of them are held to AVX2 and FMA, which Intel's processors have had since 2013 and AMD's since 2015.
One of them asks for the maker as well: on a processor that is not Intel's, MKL (torch's matrix products) takes kernels
of its own choice whatever is set, so that the bytes of Intel's processors agree with each other and not with AMD's.

The libraries read these variables once, while they are loaded: nothing may import NumPy or torch before `fix`.
"""

import os
import sys
import warnings
from pathlib import Path

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What a run's `threads` asks for is set later, for torch alone; each engine sets these differently."""

AVX512 = (
    "X86_V4 AVX512_ICL AVX512_SPR"  # NumPy's names since 2.4; the last two were names before
    " AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL"  # until 2.3
)

AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's and SciPy's matrix products and decompositions
    "MKL_CBWR": "AVX2",  # torch's matrix products: one code branch, and blocks of a size that no cache decides
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # the same for what that variable does not promise: FFT, exp, log, sqrt
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # torch's convolutions
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own loops: exp, sums, normalisations, random numbers
    "NPY_DISABLE_CPU_FEATURES": AVX512,  # NumPy's own loops; those it may use on top of AVX2 are named
}

CONTRADICTING = (
    "NPY_ENABLE_CPU_FEATURES",  # NumPy refuses to start with both
    "DNNL_MAX_CPU_ISA",  # an older name of the one above
    # What else changes numbers: block sizes, reduced precision, another library for the same product.
    "OPENBLAS_BLOCK_FACTOR",
    "OPENBLAS_L2_SIZE",
    "MKL_DOMAIN_NUM_THREADS",
    "MKL_DYNAMIC",
    "MKL_NUM_STRIPES",
    "OMP_DYNAMIC",
    "OMP_THREAD_LIMIT",
    "ONEDNN_CPU_ISA_HINTS",
    "DNNL_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TORCH_BLAS_PREFER_CUBLASLT",
    "TORCH_CUDNN_USE_HEURISTIC_MODE_B",
    "TORCH_CUDNN_V8_API_DISABLED",
    "TORCH_LINALG_PREFER_CUSOLVER",
    "TORCH_LINEAR_FLATTEN_3D",
    "TORCH_MKLDNN_MATMUL_MIN_DIM",
    "TORCH_MKLDNN_MATMUL_MIN_SIZE",
    "SKLEARN_PAIRWISE_DIST_CHUNK_SIZE",
    "SKLEARN_WORKING_MEMORY",
)

CPUINFO = Path("/proc/cpuinfo")


def fix() -> None:
    """Fix the threads, the instruction sets and the precision of this process and its children."""
    for name in CONTRADICTING:
        os.environ.pop(name, None)
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # else matrix products on a GPU are not deterministic
    if has_avx2():
        os.environ |= AVX2
        # Each release of NumPy knows some of the names, and says of the others that it does not.
        warnings.filterwarnings("ignore", r"During parsing .*'NPY_DISABLE_CPU_FEATURES'", ImportWarning)


def has_avx2() -> bool:
    """Whether this is Linux on an x86-64 processor with AVX2 and FMA; elsewhere nobody is told to use them."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return False
    try:
        with CPUINFO.open(encoding="utf-8", errors="replace") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return False
    return {"avx2", "fma"} <= set(flags)
