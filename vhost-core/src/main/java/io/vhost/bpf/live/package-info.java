/**
 * What will still be used of a program's registers and stack, and which of it decides anything: found by
 * reading the code backwards, before any way through it is followed. Not exported.
 * {@link io.vhost.bpf.live.Needs} is the way in.
 */
package io.vhost.bpf.live;
