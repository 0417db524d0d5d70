# mmfarm scenario 1
# title: a device has a page for itself that another one goes on writing
# category: hmm
# requires: device-private
# expect: secondary-mmu make_device_exclusive anon
# origin: seed:devexcl-subpage-range-mismatch
config pmd_order=3 frames=64 thp=always bug=devexcl-subpage-range-mismatch
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 T0 mprotect 6..8 r
4 DEVICE1 device_write 3
5 DEVICE device_exclusive 0..1
