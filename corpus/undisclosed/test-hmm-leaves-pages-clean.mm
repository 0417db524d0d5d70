# mmfarm scenario 1
# title: a page that a device has written goes to swap
# category: hmm
# expect: dirty-loss remove_mapping anon
# origin: seed:test-hmm-leaves-pages-clean
config pmd_order=3 frames=64 swap=8 bug=test-hmm-leaves-pages-clean
1 T0 mmap 0..1 rw private anon populate
2 T0 madvise 0..1 PAGEOUT
3 T0 read 0
4 DEVICE device_write 0
5 T0 madvise 0..1 PAGEOUT
