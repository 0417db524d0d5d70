# mmfarm scenario 1
# title: a device's translations of what is collapsed are taken away first
# category: khugepaged
# requires: device-private
# expect: clean
# origin: seed:transhuge-stress
config pmd_order=3 frames=64 thp=madvise
1 T0 mmap 0..8 rw private anon
2 T0 write 3
3 DEVICE device_read 3
4 T0 madvise 0..8 COLLAPSE
5 DEVICE device_read 3
6 DEVICE device_write 3
7 T0 read 3
