/**
 * Whether a program can do no harm and comes to an end: as the verifier of Linux 6.18 for a loader with all
 * privileges, every way through the program is followed, with what is known of each register and of the
 * stack, until a state is covered by one that was gone through before.
 *
 * <p>{@link io.vhost.bpf.verify.Verifier} is the way in. What is different from Linux:
 * <ul>
 *   <li>Bytes of the stack that were never stored cannot be loaded; helpers may be given them, as padding.
 *   <li>All helpers that take memory take it in the packet, too.
 *   <li>{@link io.vhost.bpf.verify.Mode#BUDGETED} accepts loops of which it is not known that they end.
 * </ul>
 *
 * <p>That a program does no harm does not depend on it: the JVM checks every access again. Not exported.
 */
package io.vhost.bpf.verify;
