# mmfarm scenario 1
# title: pinning an untouched page for writing allocates it, for reading too when long-term
# category: gup_test
# requires: gup_test
# expect: clean
# origin: seed:gup_longterm
config pmd_order=3 frames=64
1 T0 mmap 0..4 rw private anon
2 T0 pin p0 0 w
3 T0 pin p1 1 r longterm
4 T0 pin p2 2 r
5 T0 pagemap 0
6 T0 pagemap 1
7 T0 pagemap 2
8 T0 write 1
9 T0 dma_read p1
