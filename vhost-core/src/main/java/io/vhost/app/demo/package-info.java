/**
 * The command {@code demo}: {@code Demo} puts the learning switch of {@link io.vhost.app.vswitch} between two
 * {@code Guest}s, each behind a {@code Link}. A {@code TrafficSource} makes packets, a {@code TrafficSink}
 * checks them, both by the same {@code TestPattern}.
 */
package io.vhost.app.demo;
