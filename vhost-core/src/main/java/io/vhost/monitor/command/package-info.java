/**
 * Commands of the monitor: {@link io.vhost.monitor.command.Command} is one row of the table, with the
 * {@link io.vhost.monitor.command.Type types} of its arguments and result. For applications that add commands
 * of their own, and for everything in the monitor. Knows neither languages nor clients.
 *
 * <h2>JSON in Java</h2>
 *
 * <p>An object is a {@code Map<String, Object>}, an array a {@code List<Object>}; strings, booleans and null
 * are themselves. A number is a {@code Long}, a {@code BigInteger} from 2^63 to 2^64-1, or a {@code Double}.
 * Results of commands may hold any {@code Number}.
 *
 * @since 0.1
 */
package io.vhost.monitor.command;
