/**
 * Maps and variables as their C types: an application reads {@code flow.packets} of a value and prints a map,
 * knowing nothing of offsets.
 *
 * <pre>{@code
 * TypedMap flows = loaded.typed("flows");
 * TypedValue key = flows.newKey().set("port", 53);
 * long packets = flows.get(key).map(value -> value.number("packets")).orElse(0L);
 * System.out.print(flows);
 * }</pre>
 *
 * <p>{@link io.vhost.bpf.view.TypedMap} and {@link io.vhost.bpf.view.TypedValue} are the way in. Values are
 * copies: nothing here is for a packet's way. Not exported.
 */
package io.vhost.bpf.view;
