# mmfarm scenario 1
# title: a driver waits for no invalidation, and makes one each time
# category: hmm
# requires: device-private
# expect: livelock nouveau_atomic_range_fault mm
# origin: seed:devexcl-split-notifier-owner-livelock
config pmd_order=3 frames=64 thp=always bug=devexcl-split-notifier-owner-livelock
1 T0 mmap 0..8 rw private anon
2 T0 write 0
3 DEVICE1 device_exclusive 3..4
