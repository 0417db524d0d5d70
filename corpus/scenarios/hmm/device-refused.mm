# mmfarm scenario 1
# title: a device gets no access to PROT_NONE, to a hole, to a guard
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 none private anon
2 T0 mmap 2..4 rw private anon
3 T0 madvise 2..3 GUARD_INSTALL
4 DEVICE device_read 1
5 DEVICE device_read 2
6 DEVICE device_read 5
