# mmfarm scenario 1
# title: /proc/self/mem writes into a huge page of a read-only mapping
# category: thp
# requires: mem-force
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=always
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 mprotect 0..8 r
4 T0 mem_write 4
5 T0 read 4
6 T0 read 3
