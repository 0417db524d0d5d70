# mmfarm scenario 1
# title: a device that looked up a page for reading follows the process to its copy
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 DEVICE device_read 1
5 T0 write 1
6 DEVICE device_read 1
@4 dmirror_range_fault:lock#1 -> T0
