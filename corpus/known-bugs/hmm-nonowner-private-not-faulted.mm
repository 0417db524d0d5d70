# mmfarm scenario 1
# title: a second device reads what the first has taken
# category: hmm
# requires: device-private
# expect: contract hmm_vma_handle_pte device-private
# origin: seed:hmm-nonowner-private-not-faulted
config pmd_order=3 frames=64 bug=hmm-nonowner-private-not-faulted
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE migrate_to_device 3..4
4 DEVICE1 device_read 3
