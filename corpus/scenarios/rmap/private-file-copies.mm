# mmfarm scenario 1
# title: rmap finds anonymous copies inside a private file mapping
# category: rmap
# requires: device-private
# expect: clean
# origin: seed:rmap
config pmd_order=3 frames=64
1 T0 memfd f0 8
2 T0 mmap 0..4 rw private f0+2
3 T0 write 1
4 T0 fork T1
5 DEVICE migrate_to_device 1..2
6 T1 pagemap 1
7 T1 read 1
