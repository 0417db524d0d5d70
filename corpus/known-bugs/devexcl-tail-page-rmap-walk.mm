# mmfarm scenario 1
# title: a tail page becomes a device's alone, and the CPU writes to it all the same
# category: hmm
# requires: device-private
# expect: contract make_device_exclusive anon
# origin: seed:devexcl-tail-page-rmap-walk
config pmd_order=3 frames=64 thp=always bug=devexcl-tail-page-rmap-walk
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 3..4
