# mmfarm scenario 1
# title: a device that looked up a page tries again when munmap() comes in between
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-fault-starves-lock-holder
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 DEVICE device_read 1
4 T0 munmap 0..4
@3 dmirror_range_fault:lock#1 -> T0
