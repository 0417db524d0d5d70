# mmfarm scenario 1
# title: a huge page that nobody splits is looked up for ever
# category: hmm
# requires: device-private
# expect: livelock make_device_exclusive mm
# origin: seed:devexcl-pmd-mapped-thp-not-split
config pmd_order=3 frames=64 thp=always bug=devexcl-pmd-mapped-thp-not-split
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 3..4
