# mmfarm scenario 1
# title: a stack grows down to the page that is touched
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=9 frames=256 pages=640
1 T0 mmap 600..602 rw private anon growsdown
2 T0 write 601
3 T0 write 590
4 T0 read 595
5 T0 read 589
