/**
 * Fixtures for tests of applications, published as the library's test jar.
 *
 * <p>{@link io.vhost.testing.FaultyDmaEngine} shows an application, and the library, the worst that a DMA
 * engine may do within its contract, and how to go on when it breaks it.
 */
package io.vhost.testing;
