/**
 * Programs of others that the library is tested against: DPDK's testpmd, QEMU and the like.
 *
 * <p>Tests that need one carry the tag {@code peer} and ask {@link io.vhost.peer.Peers} for it first.
 * Where it is missing they are skipped with one line that says why; where peers are required they fail.
 */
package io.vhost.peer;
