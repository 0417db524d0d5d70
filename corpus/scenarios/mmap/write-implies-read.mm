# mmfarm scenario 1
# title: a mapping that is only writable can be read on x86
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 w private anon
2 T0 write 1
3 T0 read 1
4 T0 read 2
