#ifndef GAP_DISPATCH_H
#define GAP_DISPATCH_H

// GAP_DISPATCHED compiles a function once per instruction set and picks one when the program starts.
// AArch64 needs none of it: NEON is its baseline. Under the thread sanitizer there is one version, the baseline's: what
// picks a version runs before the sanitizer is ready, and crashes.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GAP_ONE_VERSION
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(GAP_ONE_VERSION)
#define GAP_DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GAP_DISPATCHED
#endif

// Lets the compiler reorder the sums of one function, so that reductions use vector lanes.
#define GAP_REORDER _Pragma("clang fp reassociate(on) contract(fast)")

#endif
