/**
 * Benchmarks: JMH for one burst on one thread, and the comparison with DPDK's back-end across two cores.
 *
 * <p>They are compiled with the tests, so that they keep up with the library, and run by the profile
 * {@code bench}. What a single thread measures says which code is cheap; only two cores show what a cache
 * line costs that changes hands. Use both.
 */
package io.vhost.bench;
