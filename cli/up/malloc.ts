/** How the C library keeps memory in the processes that run for weeks: read by it before `main`, so only whoever starts a process can say it. */

/**
 * For glibc; other C libraries do not look at them. Its defaults give each thread an arena of its own and learn from large buffers to
 * keep them: three quarters of what native code held was then free, and it grew for the first 2,000 sessions (docs/performance.md).
 */
export const MALLOC_SETTINGS = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
} as const;
