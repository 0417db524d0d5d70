# mmfarm scenario 1
# title: negative control: a private page of a file goes to a device and is unmapped
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:device-entry-unmap-vma-is-anon-assert
config pmd_order=3 frames=64 bug=device-entry-unmap-vma-is-anon-assert
1 T0 memfd f1 8
2 T0 mmap 0..8 rw private f1
3 T0 write 3
4 DEVICE migrate_to_device 3..4
5 T0 munmap 0..8
