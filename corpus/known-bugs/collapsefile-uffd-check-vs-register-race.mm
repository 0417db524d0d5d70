# mmfarm scenario 1
# title: userfaultfd is registered after a collapse has asked, and sees a hole that is filled then
# category: khugepaged
# requires: userfaultfd
# expect: uffd-missed collapse_file file
# origin: seed:collapsefile-uffd-check-vs-register-race
config pmd_order=3 frames=64 bug=collapsefile-uffd-check-vs-register-race
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 userfaultfd u0
5 T0 mmap 8..9 rw shared f0+7
6 T0 madvise 0..8 COLLAPSE
7 T1 uffd_register u0 8..9 missing
@6 collapse_file:retry_entry#1 -> T1
