# mmfarm scenario 1
# title: a CPU touches the page while the device takes it
# category: hmm
# requires: device-private
# expect: clean
# origin: seed:hmm-tests
config pmd_order=3 frames=64
1 T0 mmap 0..2 rw private anon
2 T0 write 0
3 DEVICE device_exclusive 0..1
4 T0 write 0
5 DEVICE device_atomic 0
6 T0 read 0
@3 dmirror_atomic_map:lock#1 -> T0
