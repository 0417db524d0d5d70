# mmfarm scenario 1
# title: a page that a racing fault brings in does not survive the guard
# category: madv_guard
# expect: clean
# origin: seed:guard-regions
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 madvise 0..3 GUARD_INSTALL
3 T1 write 1
4 T0 read 1
@2 guard_install_pte_entry:lock#1 -> T1
