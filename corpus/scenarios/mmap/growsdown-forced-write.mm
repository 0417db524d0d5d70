# mmfarm scenario 1
# title: a write through /proc/self/mem below a stack lets it grow
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..602 rw private anon growsdown
2 T0 mem_write 590
3 T0 read 590
