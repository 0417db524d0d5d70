# mmfarm scenario 1
# title: a device is closed while a page of its memory is locked, which stays mapped
# category: hmm
# requires: device-private
# expect: use-after-free dmirror_fops_release device-private
# origin: seed:test-hmm-close-skips-locked-pages
config pmd_order=3 frames=64 bug=test-hmm-close-skips-locked-pages
1 T0 mmap 0..1 rw private anon
2 DEVICE migrate_to_device 0..1
3 T0 read 0
4 DEVICE device_close
@3 dmirror_devmem_fault:use_page#1 -> DEVICE
