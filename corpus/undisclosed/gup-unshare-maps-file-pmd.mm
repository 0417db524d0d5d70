# mmfarm scenario 1
# title: a long-term pin meets a huge page of a private file mapping
# category: gup_test
# expect: livelock get_user_pages mm
# origin: seed:gup-unshare-maps-file-pmd
config pmd_order=3 frames=64 bug=gup-unshare-maps-file-pmd
1 T0 memfd f0 1
2 T0 mmap 0..8 r private f0 populate
3 T0 madvise 0..8 COLLAPSE
4 T0 pin p0 0 r longterm
