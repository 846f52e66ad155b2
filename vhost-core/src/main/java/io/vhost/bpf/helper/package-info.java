/**
 * Helpers: what programs call by number, with the prototypes that a verifier checks and the results and error
 * numbers of Linux 6.18 (include/uapi/linux/bpf.h, net/core/filter.c).
 *
 * <p>{@link io.vhost.bpf.helper.HelperSet} is the way in; an application adds its own there. A helper that is
 * given an address outside the program's regions ends the program. Not exported. Thread: stateless but for
 * the {@link io.vhost.bpf.run.Cpu} that calls.
 */
package io.vhost.bpf.helper;
