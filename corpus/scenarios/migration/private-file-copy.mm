# mmfarm scenario 1
# title: of a private file mapping only the process's own copies migrate
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 0
3 T0 mmap 0..2 rw private f0
4 T0 read 0
5 T0 write 1
6 DEVICE migrate_to_device 0..2
7 T0 pagemap 0
8 T0 pagemap 1
9 T0 read 1
