# mmfarm scenario 1
# title: a part of a stack that was split off below still grows
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..604 rw private anon growsdown
2 T0 write 600
3 T0 mprotect 602..604 r
4 T0 write 590
5 T0 munmap 595..602
6 T0 read 598
