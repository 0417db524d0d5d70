# mmfarm scenario 1
# title: guards never come where userfaultfd has write-protected what a file maps nothing at
# category: madv_guard
# requires: userfaultfd
# expect: livelock madvise_guard_install mm
# origin: seed:guard-install-spins-on-markers
config pmd_order=3 frames=64 bug=guard-install-spins-on-markers
1 T0 memfd f0 1
2 T0 mmap 0..1 rw shared f0
3 T0 userfaultfd u0
4 T0 uffd_register u0 0..1 wp
5 T0 uffd_writeprotect u0 0..1 wp
6 T0 madvise 0..1 GUARD_INSTALL
