/**
 * The interpreter: what runs at once, runs what is too large to be compiled, and is compared with what is
 * compiled. Not exported.
 */
package io.vhost.bpf.vm;
