# mmfarm scenario 1
# title: pagemap says that a page was not modified which a device has for itself
# category: hmm
# requires: device-private soft-dirty
# expect: soft-dirty make_device_exclusive pte
# origin: seed:devexcl-entry-loses-softdirty-uffdwp
config pmd_order=3 frames=64 bug=devexcl-entry-loses-softdirty-uffdwp
1 T0 mmap 0..1 rw private anon
2 T0 clear_refs soft-dirty
3 T0 write 0
4 DEVICE device_exclusive 0..1
