# mmfarm scenario 1
# title: a private copy that a fault makes while the file is truncated goes with its page
# category: memfd
# expect: clean
# origin: seed:private_fault_races_truncate
config pmd_order=3 frames=64
1 T0 memfd f0 4
2 T0 pwrite f0 1
3 T0 mmap 0..4 rw private f0
4 T1 write 1
5 T0 ftruncate f0 1
6 T1 read 1
@4 do_cow_fault:copy_word#1 -> T0
