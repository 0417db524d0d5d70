# mmfarm scenario 1
# title: PROCMAP_QUERY puts the mm twice when it fails late
# category: pagemap
# requires: procmap-query
# expect: refcount do_procmap_query mm
# origin: seed:procmap-error-path-double-mmput
config pmd_order=3 frames=64 bug=procmap-error-path-double-mmput
1 T0 mmap 0..1 r private x0
2 T0 procmap 0 build-id
