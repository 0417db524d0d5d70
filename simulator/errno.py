# SPDX-License-Identifier: MIT
"""errno values as compile-time constants, so that model code can say `return -ENOMEM`."""

from typing import Final

EPERM: Final = 1
EIO: Final = 5
EAGAIN: Final = 11
ENOMEM: Final = 12
EACCES: Final = 13
EFAULT: Final = 14
EBUSY: Final = 16
EEXIST: Final = 17
EINVAL: Final = 22
EMLINK: Final = 31
EOPNOTSUPP: Final = 95
