# mmfarm scenario 1
# title: a stack grows no further than RLIMIT_STACK
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256
1 T0 mmap 3000..3002 rw private anon growsdown
2 T0 write 954
3 T0 write 953
