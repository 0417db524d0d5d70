# mmfarm scenario 1
# title: two stacks keep no gap from each other
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 100..101 rw private anon growsdown
2 T0 mmap 200..202 rw private anon growsdown
3 T0 write 101
