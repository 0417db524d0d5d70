# mmfarm scenario 1
# title: retry entries stay in holes while the lock of the page cache is dropped
# category: khugepaged
# expect: livelock collapse_file file
# origin: seed:collapsefile-retry-entries-with-lock-dropped
config pmd_order=3 frames=64 bug=collapsefile-retry-entries-with-lock-dropped
1 T0 memfd f0 8
2 T0 pwrite f0 5
3 T0 mmap 0..8 rw shared f0
4 T0 madvise 0..8 COLLAPSE
