# mmfarm scenario 1
# title: the entry of a page that a device has for itself is no longer counted
# category: hmm
# requires: device-private
# expect: mapcount make_device_exclusive anon
# origin: seed:devexcl-mapcount-dropped-while-entry-live
config pmd_order=3 frames=64 bug=devexcl-mapcount-dropped-while-entry-live
1 T0 mmap 0..1 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 0..1
