# mmfarm scenario 1
# title: mlock() of memory without rights locks it, and says ENOMEM
# category: mlock
# expect: clean
# origin: seed:mlock
config pmd_order=3 frames=64
1 T0 mmap 0..2 none private anon
2 T0 mlock 0..2
3 T0 mprotect 0..2 rw
4 T0 madvise 0..2 DONTNEED
5 T0 pagemap 1
