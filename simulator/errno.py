# SPDX-License-Identifier: MIT
"""errno values as compile-time constants, so that model code can say `return -ENOMEM`."""

from typing import Final

EPERM: Final = 1
ENOENT: Final = 2
ESRCH: Final = 3
EINTR: Final = 4
EIO: Final = 5
ENXIO: Final = 6
EBADF: Final = 9
EAGAIN: Final = 11
ENOMEM: Final = 12
EACCES: Final = 13
EFAULT: Final = 14
EBUSY: Final = 16
EEXIST: Final = 17
EINVAL: Final = 22
EMLINK: Final = 31
ENAMETOOLONG: Final = 36
EOPNOTSUPP: Final = 95
EHWPOISON: Final = 133
