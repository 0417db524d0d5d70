# mmfarm scenario 1
# title: fork() copies a pinned page while threads store to it
# category: cow
# expect: memory-value copy_present_page anon
# origin: seed:fork-early-cow-torn-snapshot
config pmd_order=3 frames=64 bug=fork-early-cow-torn-snapshot
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 T1 write 0
4 T0 pin p0 0 w
5 T0 fork T2
