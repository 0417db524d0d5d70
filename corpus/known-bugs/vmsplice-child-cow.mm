# mmfarm scenario 1
# title: the child's pipe shows what the parent stores after fork()
# category: cow
# expect: pin wp_page_reuse anon
# origin: seed:vmsplice-child-cow
config pmd_order=3 frames=64 bug=vmsplice-child-cow
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 T0 fork T1
4 T1 vmsplice p0 3
5 T1 munmap 0..8
6 T0 write 3
7 T1 pipe_read p0
