# mmfarm scenario 1
# title: a page that parent and child share migrates, and the child faults it back
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 fork T1
4 DEVICE migrate_to_device 1..2
5 T1 read 1
6 T1 write 1
7 T0 read 1
