# mmfarm scenario 1
# title: a CPU that idled through a flush takes no old translation when it wakes
# category: mmap
# expect: clean
# origin: seed:mmap
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T1 read 1
4 T1 sleep
5 T0 munmap 0..4
6 T1 read 1
