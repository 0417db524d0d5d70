# mmfarm scenario 1
# title: a fault in a hole that is being punched waits for the end of that
# category: memfd
# expect: clean
# origin: seed:fault_waits_for_punch
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 2
3 T0 mmap 0..4 rw shared f0
4 T1 fallocate f0 1 2 punch-hole
5 T0 write 2.1
6 T0 read 2
7 T0 read 2.1
@4 unmap_mapping_pages:lock#1 -> T0
