# mmfarm scenario 1
# title: a read of untouched private memory maps the zero page, a store replaces it
# category: cow
# expect: clean
# origin: seed:cow
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 read 1
3 T0 pagemap 1
4 T0 write 1
5 T0 pagemap 1
6 T0 read 1
7 T0 read 1.1
