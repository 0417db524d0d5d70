# mmfarm scenario 1
# title: a CPU takes a page back that a device has for itself, and the device goes on
# category: hmm
# requires: device-private
# expect: secondary-mmu restore_exclusive_pte anon
# origin: seed:devexcl-restore-without-notify
config pmd_order=3 frames=64 bug=devexcl-restore-without-notify
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 0..1
4 T0 write 0
