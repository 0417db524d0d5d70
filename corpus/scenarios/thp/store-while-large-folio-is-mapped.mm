# mmfarm scenario 1
# title: a store to the first page of a large folio before the last one is mapped
# category: thp
# expect: clean
# origin: farm
config pmd_order=3 frames=64 thp=always mthp=2
1 T0 mmap 0..4 w private anon
2 T0 write 0
3 T1 write 0
@2 map_anon_folio_pte_nopf:set_pte#2 -> T1
