# mmfarm scenario 1
# title: a collapse takes pages back first
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_exclusive 3..4
4 DEVICE device_atomic 3
5 T0 madvise 0..8 COLLAPSE
6 DEVICE device_atomic 3
7 T0 read 3
