# SPDX-License-Identifier: MIT
"""Where the model's sites are in Linux: ordered rules (`conformance.forced.sitemap`) by site.

Contract: the newest kernel's rule comes first, older ones after it, plain symbols last. A site
that is missing here has no address on any kernel; `NO_CODE` says of which that is so by nature.
Written against the sources of 6.1, 6.12, 7.2 and 7.3.
"""

from collections.abc import Mapping
from typing import Final

from simulator.sites import NAMES

# pte_offset_map_lock() is a function since 6.5, under this name or with underscores; before, it
# takes the lock where it is called.
_TABLE: Final = "pte_alloc_one|__pte_alloc_one"
_PTL: Final = "pte_offset_map_lock|__pte_offset_map_lock|_raw_spin_lock"
_SPIN: Final = "_raw_spin_lock|_raw_spin_lock_nested"
_WRITE: Final = "down_write|down_write_nested"
_WRITE_KILLABLE: Final = "down_write_killable|down_write"
_READ: Final = "down_read|down_read_killable"
_FOLIO: Final = (
    "vma_alloc_folio_noprof|vma_alloc_folio|alloc_anon_folio|folio_prealloc|alloc_pages_vma|"
    "vma_alloc_anon_folio_pmd|__vma_alloc_folio|alloc_zeroed_user_highpage_movable|"
    "folio_alloc_mpol_noprof|__folio_alloc_noprof|alloc_pages_mpol"
)
_COPY: Final = (
    "copy_mc_user_highpage|copy_user_highpage|copy_mc_to_kernel|copy_page|copy_mc_fragile|"
    "copy_mc_enhanced_fast_string|copy_user_enhanced_fast_string"
)
_CACHE: Final = "kmem_cache_alloc_noprof|kmem_cache_alloc|vm_area_alloc"

_REMOVE: Final = "folio_remove_rmap_ptes|folio_remove_rmap_pte|page_remove_rmap"

_NONE: Final[tuple[str, ...]] = ()

# What is not in the kernel's code: hardware, the boundaries of ops, the model's own devices.
NO_CODE: Final[Mapping[str, str]] = {
    "op:begin": "between ops",
    "op:end": "between ops",
    "mmu:translate": "the hardware's",
    "mmu:walk_pmd": "the hardware's",
    "mmu:walk_pte": "the hardware's",
    "dma:load": "a device's",
    "dma:store": "a device's",
    **{
        site: "between actors of one CPU"
        for site in NAMES
        if site.partition(":")[0] in ("context_switch", "switch_mm_irqs_off")
    },
    "sleep:idle": "the idle CPU's",
    "do_user_addr_fault:begin": "the return to the instruction",
}

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    # --- arch/x86/mm/tlb.c, mm/mmu_gather.c
    "flush_tlb_mm_range:inc_gen": (
        "flush_tlb_mm_range>inc_mm_tlb_gen~lock",
        "flush_tlb_mm_range~lock#1",
    ),
    "should_flush_tlb:check": ("should_flush_tlb", "tlb_is_not_lazy"),
    "native_flush_tlb_multi:ipi": (
        "native_flush_tlb_multi@call:on_each_cpu_cond_mask|smp_call_function_many_cond",
        "native_flush_tlb_multi",
    ),
    "tlb_gather_mmu:pending": (
        "tlb_gather_mmu>inc_tlb_flush_pending~lock & "
        "tlb_gather_mmu_fullmm>inc_tlb_flush_pending~lock & "
        "__tlb_gather_mmu>inc_tlb_flush_pending~lock",
        "tlb_gather_mmu & tlb_gather_mmu_fullmm",
    ),
    "tlb_finish_mmu:nested": ("tlb_finish_mmu",),
    "tlb_finish_mmu:flush": ("tlb_finish_mmu>dec_tlb_flush_pending~lock", "tlb_finish_mmu~lock"),
    "tlb_flush_mmu:free_batch": (
        "tlb_flush_mmu@call:__tlb_batch_free_encoded_pages|free_pages_and_swap_cache",
        "tlb_batch_pages_flush@call:__tlb_batch_free_encoded_pages|free_pages_and_swap_cache",
    ),
    "tlb_remove_table:queue": ("tlb_remove_table", "___pte_free_tlb"),
    # --- arch/x86/mm/fault.c, mm/mmap_lock.c
    "lock_mm_and_find_vma:lock": (
        "lock_mm_and_find_vma>get_mmap_lock_carefully",
        "lock_mm_and_find_vma",
        f"do_user_addr_fault@call:{_READ}",
    ),
    "lock_vma_under_rcu:walk": ("lock_vma_under_rcu@call:mas_walk", "lock_vma_under_rcu"),
    "lock_vma_under_rcu:retry": ("lock_vma_under_rcu@call:mas_walk#1",),
    "vma_start_read:get": (
        "vma_start_read>__refcount_inc_not_zero_limited_acquire~cmpxchg",
        "vma_start_read>__refcount_inc_not_zero_limited~cmpxchg",
        "vma_start_read>atomic_try_cmpxchg_acquire~cmpxchg",
        "vma_start_read@call:down_read_trylock",
        "vma_start_read~cmpxchg",
        "vma_start_read",
    ),
    "vma_start_read:recheck": (
        "vma_start_read@ret:down_read_trylock",
        "vma_start_read>__refcount_inc_not_zero_limited_acquire~cmpxchg+",
    ),
    "vma_start_write:exclude_readers": (
        "__vma_start_write",
        "vma_start_write@call:down_write",
        "vma_start_write",
    ),
    "mmap_write_unlock:end_vma_writes": (
        "mmap_write_unlock>vma_end_write_all",
        "mmap_write_unlock>mm_lock_seqcount_end",
        "mmap_write_unlock@call:up_write",
        "mmap_write_unlock",
    ),
    "mmap_write_downgrade:end_vma_writes": (
        "mmap_write_downgrade>vma_end_write_all",
        "mmap_write_downgrade@call:downgrade_write",
        "mmap_write_downgrade",
    ),
    # --- mm/memory.c: zap
    "zap_pmd_range:pmd": ("zap_pmd_range",),
    "zap_pte_range:lock": (f"zap_pte_range@call:{_PTL}#1", f"unmap_page_range@call:{_PTL}#1"),
    "zap_pte_range:clear_pte": (
        "zap_pte_range>ptep_get_and_clear_full~xchg",
        "zap_pte_range>native_ptep_get_and_clear~xchg",
        "unmap_page_range~xchg",
    ),
    "zap_pte_range:clear_nonpresent": (
        "zap_nonpresent_ptes>clear_not_present_full_ptes",
        "zap_pte_range>pte_clear_not_present_full",
    ),
    "try_get_and_clear_pmd:trylock": (
        "try_get_and_clear_pmd@call:_raw_spin_trylock",
        "try_get_and_clear_pmd",
        "zap_pte_table_if_empty@call:_raw_spin_trylock",
        "zap_empty_pte_table@call:_raw_spin_trylock",
    ),
    "try_to_free_pte:pmd_lock": (
        f"try_to_free_pte@call:{_SPIN}#1",
        f"zap_pte_table_if_empty@call:{_SPIN}#1",
    ),
    "try_to_free_pte:lock": (
        f"try_to_free_pte@call:{_SPIN}#2",
        f"zap_pte_table_if_empty@call:{_SPIN}#2",
    ),
    "free_pgtables:pmd_cleared": (
        "free_pte_range",
        "free_pmd_range>free_pte_range",
        "free_pgd_range",
    ),
    # --- mm/pgtable-generic.c, page tables
    "pte_offset_map_lock:pmd": ("__pte_offset_map_lock", "pte_offset_map_lock"),
    "pte_alloc:pmd": _NONE,
    "pte_alloc:new_table": (
        f"__pte_alloc@call:{_TABLE} & do_fault@call:{_TABLE} & __do_fault@call:{_TABLE} & "
        f"do_fault_around@call:{_TABLE} & finish_fault@call:{_TABLE}",
        "do_anonymous_page@call:__pte_alloc",
        "__pte_alloc",
    ),
    "pte_alloc:pmd_lock": (f"pmd_install@call:{_SPIN}", f"__pte_alloc@call:{_SPIN}"),
    # --- mm/memory.c: faults
    "handle_pte_fault:read_pte": ("handle_pte_fault>ptep_get_lockless~load#1", "handle_pte_fault"),
    "handle_pte_fault:lock": (f"handle_pte_fault@call:{_SPIN}", f"__handle_mm_fault@call:{_SPIN}"),
    "ptep_set_access_flags:set": ("ptep_set_access_flags",),
    "vmf_anon_prepare:check": (
        "__vmf_anon_prepare",
        "vmf_anon_prepare",
        "do_anonymous_page>anon_vma_prepare",
    ),
    "do_anonymous_page:lock_zero": (f"do_anonymous_page@call:{_PTL}#1",),
    "do_anonymous_page:set_zero": (
        "do_anonymous_page>set_ptes@call:native_set_pte",
        "do_anonymous_page>set_ptes~store#1",
        "do_anonymous_page>set_pte_at~store#1",
        "do_anonymous_page>set_pte_at",
        "do_anonymous_page>set_ptes",
    ),
    "do_anonymous_page:alloc": (
        "do_anonymous_page>alloc_anon_folio",
        f"do_anonymous_page@call:{_FOLIO}#1",
    ),
    "do_anonymous_page:lock": (f"do_anonymous_page@call:{_PTL}#2",),
    "do_anonymous_page:set_pte": (
        "do_anonymous_page>map_anon_folio_pte_nopf>set_ptes~store#1",
        "map_anon_folio_pte_nopf>set_ptes~store#1",
        "map_anon_folio_pte_nopf",
        "do_anonymous_page@call:folio_add_lru_vma",
        "do_anonymous_page@call:folio_add_new_anon_rmap|page_add_new_anon_rmap",
    ),
    "do_cow_fault:alloc": (f"do_cow_fault@call:{_FOLIO}#1", f"do_fault@call:{_FOLIO}#1"),
    "do_cow_fault:copy_word": (f"do_cow_fault@call:{_COPY}", f"do_fault@call:{_COPY}"),
    "do_cow_fault:lock": _NONE,
    "do_cow_fault:set_pte": _NONE,
    "finish_fault:lock": (f"finish_fault@call:{_PTL}",),
    "finish_fault:set_pte": ("finish_fault@call:set_pte_range|do_set_pte",),
    "wp_can_reuse_anon_folio:refs": (
        "wp_can_reuse_anon_folio",
        "do_wp_page>folio_ref_count~load#1",
        "do_wp_page~load#1",
    ),
    "wp_can_reuse_anon_folio:trylock": (
        "wp_can_reuse_anon_folio>folio_trylock~lock",
        "do_wp_page>folio_trylock~lock",
        "do_wp_page>trylock_page~lock",
    ),
    "wp_page_reuse:set_pte": ("wp_page_reuse@call:ptep_set_access_flags", "wp_page_reuse"),
    "wp_page_copy:alloc": (f"wp_page_copy@call:{_FOLIO}", f"do_wp_page@call:{_FOLIO}"),
    "wp_page_copy:copy_word": (
        "wp_page_copy@call:__wp_page_copy_user",
        "wp_page_copy>__wp_page_copy_user",
        f"wp_page_copy@call:{_COPY}",
    ),
    "wp_page_copy:lock": (f"wp_page_copy@call:{_PTL}#1",),
    "wp_page_copy:clear_flush": ("wp_page_copy@call:ptep_clear_flush|ptep_clear_flush_notify",),
    "wp_page_copy:set_pte": (
        "wp_page_copy@call:folio_add_lru_vma|lru_cache_add_inactive_or_unevictable",
    ),
    "do_swap_page:device_lock": (f"do_swap_page@call:{_PTL}#1",),
    # --- mm/memory.c, kernel/fork.c: fork
    "dup_mm:alloc": (
        "dup_mm@call:kmem_cache_alloc_noprof|kmem_cache_alloc",
        "copy_mm@call:kmem_cache_alloc_noprof|kmem_cache_alloc",
        "copy_mm",
    ),
    "dup_mmap:lock_parent": (
        f"dup_mmap@call:{_WRITE_KILLABLE}#1",
        f"dup_mm@call:{_WRITE_KILLABLE}#1",
        f"copy_mm@call:{_WRITE_KILLABLE}#1",
    ),
    "dup_mmap:lock_child": (
        "dup_mmap@call:down_write_nested|down_write#1",
        "dup_mm@call:down_write_nested|down_write#1",
    ),
    "dup_mmap:mt_dup": (
        "dup_mmap@call:__mt_dup",
        "dup_mmap@call:mas_expected_entries",
        "dup_mm@call:mas_expected_entries",
    ),
    "dup_mmap:i_mmap_lock": ("dup_mmap@call:down_write#2", "dup_mm@call:down_write#2"),
    "dup_mmap:flush": (
        "dup_mmap@call:flush_tlb_mm_range",
        "dup_mm@call:flush_tlb_mm_range",
        "copy_mm@call:flush_tlb_mm_range",
    ),
    "wake_up_new_task:run": ("wake_up_new_task",),
    "copy_page_range:seq_begin": (
        "copy_page_range>do_raw_write_seqcount_begin~add",
        "copy_page_range>raw_write_seqcount_begin~add",
        "copy_page_range~addl#1",
        "copy_page_range~incl#1",
    ),
    "copy_page_range:seq_end": (
        "copy_page_range>do_raw_write_seqcount_end~add",
        "copy_page_range>raw_write_seqcount_end~add",
        "copy_page_range~addl#2",
    ),
    "copy_pmd_range:pmd": ("copy_pmd_range",),
    "copy_pte_range:lock_child": (
        f"copy_pte_range@call:{_PTL}#1",
        f"copy_page_range@call:{_PTL}#1",
    ),
    "copy_pte_range:lock_parent": (
        "copy_pte_range@call:_raw_spin_lock_nested|_raw_spin_lock#1",
        "copy_page_range@call:_raw_spin_lock_nested|_raw_spin_lock#1",
    ),
    "copy_pte_range:prealloc": (
        f"copy_pte_range>folio_prealloc@call:{_FOLIO}",
        f"copy_pte_range@call:{_FOLIO}",
        f"copy_page_range@call:{_FOLIO}",
    ),
    "copy_present_pte:dup_rmap": (
        "copy_pte_range>folio_try_dup_anon_rmap_pte",
        "copy_pte_range>page_try_dup_anon_rmap",
        "copy_pte_range>folio_try_dup_anon_rmap_ptes",
    ),
    "copy_present_pte:wrprotect": (
        "copy_pte_range>ptep_set_wrprotect~lock",
        "copy_pte_range>wrprotect_ptes~lock",
        "copy_pte_range>ptep_set_wrprotect~cmpxchg",
        "copy_page_range~lock#1",
    ),
    "copy_present_page:copy_word": (
        f"copy_present_page@call:{_COPY}",
        f"copy_pte_range@call:{_COPY}",
        f"copy_page_range@call:{_COPY}",
    ),
    "copy_nonpresent_pte:copy": ("copy_nonpresent_pte",),
    # --- mm/mmap.c, mm/vma.c
    "vm_mmap_pgoff:lock": (f"vm_mmap_pgoff@call:{_WRITE_KILLABLE}#1",),
    "vm_munmap:lock": (f"__vm_munmap@call:{_WRITE_KILLABLE}#1",),
    "vm_area_alloc:alloc": ("vm_area_alloc@call:kmem_cache_alloc_noprof|kmem_cache_alloc",),
    "vm_area_dup:alloc": ("vm_area_dup@call:kmem_cache_alloc_noprof|kmem_cache_alloc",),
    "vma_iter_store:tree": (
        "vma_iter_store_new@call:mas_store_prealloc & "
        "vma_iter_store_overwrite@call:mas_store_prealloc",
        "vma_iter_store@call:mas_store_prealloc & vma_mas_store@call:mas_store_prealloc",
        "mas_store_prealloc",
    ),
    "vma_iter_clear:tree": (
        "vma_iter_clear@call:mas_store_prealloc & vma_iter_clear_gfp@call:mas_store_gfp",
    ),
    "vma_link_file:lock": (f"vma_link_file@call:{_WRITE}",),
    "unlink_file_vma:lock": (
        f"unlink_file_vma_batch_process@call:{_WRITE}",
        f"unlink_file_vma@call:{_WRITE}",
    ),
    "vma_prepare:i_mmap_lock": (f"vma_prepare@call:{_WRITE}#1",),
    "vma_prepare:anon_vma_lock": (f"vma_prepare@call:{_WRITE}#2",),
    "split_vma:set_range": ("__split_vma@ret:vma_prepare", "__split_vma@call:__vma_adjust"),
    "commit_merge:prealloc": (
        "commit_merge@call:mas_preallocate",
        "vma_expand@call:mas_preallocate",
    ),
    "commit_merge:set_range": ("commit_merge@ret:vma_prepare", "vma_expand@ret:vma_prepare"),
    "vma_expand:dup_anon_vma": ("vma_expand@call:commit_merge", "vma_expand@call:anon_vma_clone"),
    "mmap_region:set_flags": (
        "__mmap_region@call:vma_set_page_prot",
        "mmap_region@call:vma_set_page_prot",
    ),
    "expand_stack:lock": (
        f"lock_mm_and_find_vma@call:{_WRITE_KILLABLE} & expand_stack@call:{_WRITE_KILLABLE}",
    ),
    "expand_downwards:anon_vma_lock": (f"expand_downwards@call:{_WRITE}#1",),
    "expand_downwards:set_start": ("expand_downwards@call:mas_store_prealloc",),
    # --- mm/mprotect.c, mm/madvise.c
    "do_mprotect_pkey:lock": (f"do_mprotect_pkey@call:{_WRITE_KILLABLE}#1",),
    "mprotect_fixup:set_flags": ("mprotect_fixup@call:change_protection",),
    "change_pmd_range:pmd": ("change_pmd_range",),
    "change_pte_range:lock": (
        f"change_pte_range@call:{_PTL}#1",
        f"change_protection@call:{_PTL}#1",
        f"change_protection_range@call:{_PTL}#1",
    ),
    "change_pte_range:modify": (
        "change_pte_range@call:ptep_modify_prot_start|__ptep_modify_prot_start",
        "change_pte_range>ptep_modify_prot_start~xchg",
        "change_pte_range>modify_prot_start_ptes~xchg",
        "change_pte_range>__ptep_modify_prot_start~xchg",
        "change_pte_range>modify_prot_start_ptes",
        "change_pte_range>ptep_modify_prot_start",
        "change_pte_range@call:ptep_modify_prot_start",
        "change_pte_range~xchg",
        "change_protection~xchg",
    ),
    "madvise_lock:read": (
        f"madvise_lock@call:{_READ} & madvise_walk_vmas@call:{_READ} & "
        f"try_vma_read_lock@call:{_READ} & madvise_do_behavior@call:{_READ} & "
        f"do_madvise@call:{_READ}",
    ),
    "madvise_lock:write": (
        f"madvise_lock@call:{_WRITE_KILLABLE}",
        f"do_madvise@call:{_WRITE_KILLABLE}",
    ),
    "madvise_update_vma:set_flags": (
        "madvise_update_vma@ret:vma_modify_flags_name|vma_modify|vma_modify_flags|vma_modify_name",
        "madvise_vma_behavior@ret:vma_modify|vma_modify_flags",
    ),
    "madvise_free_pte_range:lock": (f"madvise_free_pte_range@call:{_PTL}#1",),
    "madvise_free_pte_range:trylock": (
        "madvise_free_pte_range>folio_trylock~lock",
        "madvise_free_pte_range>trylock_page~lock",
    ),
    "madvise_free_pte_range:clean": (
        "madvise_free_pte_range>clear_young_dirty_ptes~xchg",
        "madvise_free_pte_range>clear_young_dirty_ptes~lock",
        "madvise_free_pte_range>ptep_get_and_clear_full~xchg",
        "madvise_free_pte_range~xchg",
    ),
    "guard_install_pte_entry:lock": (f"walk_pte_range@call:{_PTL}#1",),
    "guard_install_set_pte:set": ("guard_install_set_pte",),
    "guard_remove_pte_entry:lock": (f"walk_pte_range@call:{_PTL}#1",),
    "guard_remove_pte_entry:clear": (
        "guard_remove_pte_entry@call:native_set_pte",
        "guard_remove_pte_entry>pte_clear_not_present_full~store",
    ),
    "madvise_guard_install:set_flag": (
        "madvise_guard_install>vma_set_atomic_flag~lock",
        "madvise_guard_install>vma_flag_set_atomic~lock",
        "madvise_guard_install",
    ),
    # --- mm/mremap.c
    "do_mremap:lock": (
        f"do_mremap@call:{_WRITE_KILLABLE}#1",
        f"__do_sys_mremap@call:{_WRITE_KILLABLE}#1",
        f"__x64_sys_mremap@call:{_WRITE_KILLABLE}#1",
    ),
    "move_page_tables:pmd": (
        "move_page_tables>get_old_pmd@ret:get_old_pud",
        "move_page_tables>get_old_pmd",
        "move_page_tables",
    ),
    "take_rmap_locks:i_mmap": (
        f"take_rmap_locks@call:{_WRITE}#1",
        f"move_page_tables>take_rmap_locks@call:{_WRITE}#1",
    ),
    "take_rmap_locks:anon_vma": (
        f"take_rmap_locks@call:{_WRITE}#2",
        f"move_page_tables>take_rmap_locks@call:{_WRITE}#2",
    ),
    "move_ptes:lock_old": (f"move_ptes@call:{_PTL}#1",),
    "move_ptes:lock_new": ("move_ptes@call:_raw_spin_lock_nested|_raw_spin_lock#1",),
    "move_ptes:clear_pte": (
        "move_ptes>get_and_clear_ptes~xchg",
        "move_ptes>ptep_get_and_clear~xchg",
        "move_ptes~xchg",
    ),
    "move_ptes:set_pte": (
        "move_ptes>set_ptes~store#1",
        "move_ptes>set_pte_at~store#1",
        "move_ptes>set_ptes",
        "move_ptes>set_pte_at",
    ),
    "move_normal_pmd:lock": (f"move_normal_pmd@call:{_SPIN}#1",),
    "move_normal_pmd:clear": (
        "move_normal_pmd>pmd_clear@call:native_set_pmd",
        "move_normal_pmd>pmd_clear~store",
        "move_normal_pmd>native_pmd_clear~store",
        "move_normal_pmd>pmdp_get_and_clear~xchg",
    ),
    "move_normal_pmd:populate": (
        "move_normal_pmd>pmd_populate@call:native_set_pmd",
        "move_normal_pmd>pmd_populate~store",
        "move_normal_pmd>set_pmd~store",
    ),
    "unmap_source_vma:set_account": ("unmap_source_vma>vm_flags_set@call:__vma_start_write",),
    # --- mm/rmap.c
    "put_anon_vma:put": ("put_anon_vma>atomic_dec_and_test~lock", "put_anon_vma"),
    "anon_vma_prepare:alloc": (
        "__anon_vma_prepare@call:kmem_cache_alloc_noprof|kmem_cache_alloc#1",
        "__anon_vma_prepare",
    ),
    "anon_vma_prepare:find_mergeable": ("__anon_vma_prepare@call:find_mergeable_anon_vma",),
    "anon_vma_prepare:lock": (f"__anon_vma_prepare@call:{_WRITE}",),
    "anon_vma_prepare:page_table_lock": (f"__anon_vma_prepare@call:{_SPIN}",),
    "anon_vma_clone:alloc": ("anon_vma_clone@call:kmem_cache_alloc_noprof|kmem_cache_alloc#1",),
    "anon_vma_clone:lock": (f"anon_vma_clone@call:{_WRITE}",),
    "anon_vma_fork:alloc": ("anon_vma_fork@call:kmem_cache_alloc_noprof|kmem_cache_alloc#1",),
    "anon_vma_fork:lock": (f"anon_vma_fork@call:{_WRITE}",),
    "unlink_anon_vmas:lock": (f"unlink_anon_vmas@call:{_WRITE}",),
    "try_to_migrate:anon_vma_lock": ("try_to_migrate@call:rmap_walk|rmap_walk_locked",),
    "try_to_migrate_one:lock": ("try_to_migrate_one@call:page_vma_mapped_walk",),
    "try_to_migrate_one:clear_pte": ("try_to_migrate_one@call:ptep_clear_flush",),
    "remove_migration_ptes:anon_vma_lock": (
        "remove_migration_ptes@call:rmap_walk|rmap_walk_locked",
    ),
    "remove_migration_pte:lock": ("remove_migration_pte@call:page_vma_mapped_walk",),
    "migration_entry_wait:lock": (f"migration_entry_wait@call:{_PTL}", "migration_entry_wait"),
    "try_to_migrate_one:set_entry": (
        "try_to_migrate_one>set_pte_at~store#1",
        "try_to_migrate_one>set_ptes~store#1",
        "try_to_migrate_one@ret:ptep_clear_flush",
    ),
    "remove_migration_pte:set_pte": (
        "remove_migration_pte>set_ptes@call:native_set_pte",
        "remove_migration_pte>set_pte_at~store#1",
        "remove_migration_pte>set_ptes~store#1",
        "remove_migration_pte@call:folio_add_anon_rmap_pte|"
        "folio_add_file_rmap_pte|page_add_anon_rmap",
    ),
    # --- mm/migrate_device.c, mm/hmm.c
    "migrate_vma_collect_pmd:pmd": ("migrate_vma_collect_pmd",),
    "migrate_vma_collect_pmd:lock": (f"migrate_vma_collect_pmd@call:{_PTL}",),
    "migrate_vma_collect_pmd:ptl_dropped": (
        "migrate_vma_collect_pmd@ret:_raw_spin_unlock",
        "migrate_vma_collect_pmd@call:flush_tlb_mm_range",
    ),
    "migrate_vma_collect_pmd:trylock": (
        "migrate_vma_collect_pmd>folio_trylock~lock",
        "migrate_vma_collect_pmd>trylock_page~lock",
    ),
    "migrate_vma_collect_pmd:clear_pte": (
        "migrate_vma_collect_pmd@call:ptep_clear_flush",
        "migrate_vma_collect_pmd>ptep_get_and_clear~xchg",
    ),
    "migrate_vma_collect_pmd:set_entry": (
        "migrate_vma_collect_pmd>set_pte_at~store#1",
        "migrate_vma_collect_pmd>set_ptes~store#1",
    ),
    "migrate_device_unmap:check": ("migrate_device_unmap@call:try_to_migrate",),
    "migrate_vma_pages:mapping": ("migrate_vma_pages", "__migrate_device_pages"),
    "migrate_vma_insert_page:lock": (f"migrate_vma_insert_page@call:{_PTL}",),
    "migrate_vma_insert_page:clear_zero": ("migrate_vma_insert_page@call:ptep_clear_flush",),
    "migrate_vma_insert_page:set_pte": (
        "migrate_vma_insert_page>set_ptes@call:native_set_pte",
        "migrate_vma_insert_page>set_pte_at~store",
        "migrate_vma_insert_page>set_ptes~store",
    ),
    "do_swap_page:migrate_to_ram": _NONE,
    "hmm_vma_handle_pte:read": ("hmm_vma_handle_pte",),
    # --- mm/gup.c
    "mm_populate:lock": (f"__mm_populate@call:{_READ}", "__mm_populate"),
    "access_remote_vm:lock": (f"__access_remote_vm@call:{_READ}#1",),
    "access_remote_vm:load": (
        "__access_remote_vm@call:copy_from_user_page|memcpy|__memcpy",
        "__access_remote_vm>copy_from_user_page",
        "__access_remote_vm@call:memcpy#1",
    ),
    "access_remote_vm:store": (
        "__access_remote_vm>copy_to_user_page",
        "__access_remote_vm@call:memcpy#2",
    ),
    "get_user_pages:retry": (
        "__get_user_pages@ret:faultin_page",
        "__get_user_pages>faultin_page@ret:handle_mm_fault",
        "__get_user_pages@ret:handle_mm_fault",
    ),
    "follow_page_pte:lock": (f"follow_page_pte@call:{_PTL}#1",),
    "follow_page_pte:grab": (
        "follow_page_pte@call:try_grab_folio|try_grab_page",
        "follow_page_pte",
    ),
    "pin_user_pages:lock": (f"__gup_longterm_locked@call:{_READ}", "__gup_longterm_locked"),
    "gup_fast:seq_begin": ("gup_fast", "internal_get_user_pages_fast", "lockless_pages_from_mm"),
    "gup_fast_pmd_range:read_pmd": ("gup_fast_pmd_range", "gup_pmd_range", "gup_pgd_range"),
    "gup_fast_pte_range:read_pte": ("gup_fast_pte_range", "gup_pte_range"),
    "gup_fast_pte_range:recheck": (
        "gup_fast_pte_range@ret:try_grab_folio_fast|try_grab_folio",
        "gup_pte_range@ret:try_grab_folio",
    ),
    "gup_fast:seq_retry": _NONE,
    "unpin_user_page:put": ("gup_put_folio",),
    "try_grab_folio_fast:grab": ("try_grab_folio_fast", "try_grab_folio"),
    # --- mm/shmem.c, mm/filemap.c
    "memfd_create:alloc": (
        "__do_sys_memfd_create@call:memfd_alloc_file|shmem_file_setup",
        "__x64_sys_memfd_create@call:memfd_alloc_file|shmem_file_setup",
        "__x64_sys_memfd_create",
    ),
    "shmem_zero_setup:alloc": ("shmem_zero_setup",),
    "shmem_get_folio:lookup": (
        "shmem_get_folio_gfp@call:filemap_get_entry|"
        "find_get_entry|__filemap_get_folio|pagecache_get_page",
        "shmem_get_folio_gfp",
    ),
    "shmem_get_folio:lock": (
        "shmem_get_folio_gfp>folio_lock",
        "shmem_get_folio_gfp@call:__folio_lock",
    ),
    "shmem_alloc_folio:alloc": ("shmem_alloc_folio", "shmem_alloc_and_add_folio"),
    "shmem_add_to_page_cache:insert": ("shmem_add_to_page_cache",),
    "shmem_get_folio:clear": (
        "shmem_get_folio_gfp@call:clear_page_erms|clear_user_highpages|"
        "folio_zero_range|clear_page_rep|clear_page_orig",
        "shmem_get_folio_gfp>clear_highpage",
    ),
    "shmem_file_read_iter:i_size": ("shmem_file_read_iter",),
    "shmem_file_read_iter:copy": (
        "shmem_file_read_iter@call:copy_folio_to_iter|copy_page_to_iter|_copy_to_iter",
    ),
    "shmem_write_end:copy": (
        "generic_perform_write@call:copy_folio_from_iter_atomic|copy_page_from_iter_atomic",
        "shmem_write_end",
    ),
    "shmem_evict_inode:remove": ("shmem_evict_inode",),
    "filemap_map_pages:lock": (f"filemap_map_pages@call:{_PTL}#1",),
    "filemap_map_pages:set_pte": (
        "filemap_map_pages@call:set_pte_range|do_set_pte",
        "filemap_map_folio_range@call:set_pte_range|do_set_pte",
    ),
    # --- mm/mincore.c, mm/mlock.c, and what takes folios off the rmap
    "madvise_cold_or_pageout_pte_range:lock": (f"madvise_cold_or_pageout_pte_range@call:{_PTL}",),
    "madvise_cold_or_pageout_pte_range:clear_young": (
        "madvise_cold_or_pageout_pte_range@call:ptep_test_and_clear_young",
        "madvise_cold_or_pageout_pte_range>ptep_get_and_clear_full~xchg",
    ),
    "mincore:lock": (f"__do_sys_mincore@call:{_READ}", f"__x64_sys_mincore@call:{_READ}"),
    "mincore_pte_range:lock": (f"mincore_pte_range@call:{_PTL}",),
    "do_mlock:lock": (f"do_mlock@call:{_WRITE_KILLABLE}",),
    "munlock:lock": (f"__x64_sys_munlock@call:{_WRITE_KILLABLE}",),
    "mlockall:lock": (
        f"__do_sys_mlockall@call:{_WRITE_KILLABLE}",
        f"__x64_sys_mlockall@call:{_WRITE_KILLABLE}",
    ),
    "mlock_pte_range:lock": (f"mlock_pte_range@call:{_PTL}",),
    "shmem_file_write_iter:inode_lock": (
        f"shmem_file_write_iter@call:{_WRITE}",
        f"generic_file_write_iter@call:{_WRITE}",
    ),
    "zap_present_folio_ptes:remove_rmap": (
        f"zap_pte_range@call:{_REMOVE}",
        f"unmap_page_range@call:{_REMOVE}",
    ),
    "tlb_flush_rmaps:remove": (
        f"tlb_flush_rmap_batch@call:{_REMOVE}",
        f"tlb_flush_rmaps@call:{_REMOVE}",
    ),
    "wp_page_copy:remove_rmap": (f"wp_page_copy@call:{_REMOVE}", f"do_wp_page@call:{_REMOVE}"),
    "try_to_migrate_one:remove_rmap": (f"try_to_migrate_one@call:{_REMOVE}",),
    "migrate_vma_collect_pmd:remove_rmap": (f"migrate_vma_collect_pmd@call:{_REMOVE}",),
    "mmu_notifier_register:mmap_lock": (f"mmu_notifier_register@call:{_WRITE}",),
    # --- kernel/exit.c
    "exit_mm:lock": (
        f"exit_mm@call:{_READ}",
        f"do_exit>exit_mm@call:{_READ}",
        f"do_exit@call:{_READ}",
    ),
    "exit_mm:lazy": (
        "do_exit>exit_mm@call:mmput",
        "do_exit>mmap_read_unlock",
        "do_exit@call:mmput",
    ),
    "mmput:users": ("mmput>atomic_dec_and_test~lock", "mmput~lock#1", "mmput"),
    "mmdrop:count": ("mmdrop>atomic_dec_and_test~lock", "__mmdrop"),
    "exit_mmap:begin": ("exit_mmap",),
    "exit_mmap:read_lock": (f"exit_mmap@call:{_READ}#1",),
    "exit_mmap:write_lock": (f"exit_mmap@call:{_WRITE}#1",),
    # --- fs/proc/task_mmu.c, fs/pipe.c
    "clear_refs_write:lock": (f"clear_refs_write@call:{_WRITE_KILLABLE}#1",),
    "clear_refs_write:clear_vm_softdirty": (
        "clear_refs_write>vm_flags_clear",
        "clear_refs_write>vm_flags_mod",
        "clear_refs_write>vma_set_page_prot",
        "clear_refs_write@call:vma_set_page_prot",
    ),
    "clear_refs_write:flush_pending": ("clear_refs_write>inc_tlb_flush_pending~lock",),
    "clear_refs_write:flush": ("clear_refs_write@call:flush_tlb_mm_range",),
    "clear_refs_pte_range:lock": (f"clear_refs_pte_range@call:{_PTL}#1",),
    "clear_soft_dirty:set_pte": (
        "clear_soft_dirty>ptep_modify_prot_start~xchg",
        "clear_soft_dirty",
        "clear_refs_pte_range>ptep_modify_prot_start~xchg",
    ),
    "ptep_test_and_clear_young:clear": ("ptep_test_and_clear_young",),
    "walk_pmd_range:pmd": ("walk_pmd_range",),
    "pagemap_read:lock": (f"pagemap_read@call:{_READ}#1",),
    "pagemap_pmd_range:lock": (f"pagemap_pmd_range@call:{_PTL}#1",),
    "pipe_read:copy": ("anon_pipe_read@call:copy_page_to_iter", "pipe_read@call:copy_page_to_iter"),
    # --- mm/mmu_notifier.c
    "mmu_notifier_invalidate_range_start:seq": ("__mmu_notifier_invalidate_range_start",),
    "mmu_notifier_invalidate_range_end:seq": ("__mmu_notifier_invalidate_range_end",),
    "mmu_interval_read_begin:seq": ("mmu_interval_read_begin",),
}
