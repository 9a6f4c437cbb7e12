"""How the C library treats memory that is freed: kept for the next tensor, or given back to the kernel each time."""

import ctypes

# glibc's names for what `mallopt` sets (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
# The largest block that glibc lets come from the heap, and how much free heap may be kept.
LARGEST_BLOCK, MOST_KEPT = 2**25, 2**29
HEAP_STEP = 2**26


def keep_freed_memory() -> None:
    """Let this process keep what it frees; without glibc, nothing is changed.

    Training and attacks free tensors of some megabytes thousands of times a second. By default each goes back to the
    kernel, which clears its pages anew: on virtual machines that can take as long as the arithmetic.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for option, value in (
        (M_MMAP_THRESHOLD, LARGEST_BLOCK), (M_TRIM_THRESHOLD, MOST_KEPT), (M_TOP_PAD, HEAP_STEP)
    ):  # fmt: skip
        mallopt(option, value)
