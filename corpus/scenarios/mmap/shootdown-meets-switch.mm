# mmfarm scenario 1
# title: a shootdown reaches the CPU that is switching to the mm
# category: mmap
# expect: clean
# origin: seed:shootdown-skips-switching-cpu
config pmd_order=3 frames=64 cpus=2 T0@0 T1@1 T2@0
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T2
4 T2 sleep
5 T0 read 3
6 T1 madvise 3..4 DONTNEED
@5 switch_mm_irqs_off:load_cr3#1 -> T1
