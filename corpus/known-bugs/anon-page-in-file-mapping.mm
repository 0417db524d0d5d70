# mmfarm scenario 1
# title: a file that has no fault method is given anonymous pages
# category: mmap
# expect: state do_anonymous_page anon
# origin: seed:anon-page-in-file-mapping
config pmd_order=3 frames=64 bug=anon-page-in-file-mapping
1 T0 mmap 0..1 rw shared x0
2 T0 write 0
