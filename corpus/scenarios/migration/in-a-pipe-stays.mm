# mmfarm scenario 1
# title: a page that a pipe holds does not migrate
# category: migration
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 write 1
3 T0 vmsplice p0 1
4 DEVICE migrate_to_device 1..2
5 T0 read 1
6 T0 pipe_read p0
7 DEVICE migrate_to_device 1..2
