/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ATOM_H
#define TUNNELD_ATOM_H

/*
 * Words that several threads of the engine see (the compiler's atomics, which ThreadSanitizer
 * understands; liburcu's own macros it does not). get and set are as cheap as plain accesses: for
 * counters and flags that say nothing about other memory. publish and take are for what does: who
 * takes a pointer sees all that was written before it was published.
 */
#define atom_get(p)	   __atomic_load_n((p), __ATOMIC_RELAXED)
#define atom_set(p, v)	   __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atom_take(p)	   __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atom_publish(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* A counter that one thread writes and others read: no locked instruction. */
#define atom_count(p, n)   atom_set((p), *(p) + (n))

/* Between a write of ours and a read of what another thread writes, where each must not miss the
 * other's (the pattern of Dekker's algorithm). */
#define atom_fence()	   __atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif
