# mmfarm scenario 1
# title: a read-only stack grows when it is read, and not when it is written
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..602 r private anon growsdown
2 T0 read 590
3 T0 write 580
4 T0 pagemap 590
