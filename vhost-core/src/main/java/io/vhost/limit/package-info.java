/**
 * How much of this process front-ends may use up: connections, descriptors, mappings and address space.
 *
 * <p>{@link io.vhost.limit.ResourceLimits} are a part of a device's configuration. One account is kept of the
 * whole process, all servers and clients together: {@link io.vhost.limit.ResourceUsage} is what it says at a
 * moment, with each refusal counted by its {@link io.vhost.limit.Limit}. What a connection took is given back
 * when it ends. A front-end that exceeds a limit is refused what it asked for, with one WARNING, and no other
 * is disturbed.
 *
 * @since 0.1
 */
package io.vhost.limit;
