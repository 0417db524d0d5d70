# mmfarm scenario 1
# title: a device is closed while processes still map pages of its memory
# category: hmm
# requires: device-private
# expect: use-after-free dmirror_fops_release device-private
# origin: seed:hmm-close-leaves-device-pages
config pmd_order=3 frames=64 bug=hmm-close-leaves-device-pages
1 T0 mmap 0..1 rw private anon
2 DEVICE migrate_to_device 0..1
3 DEVICE device_close
