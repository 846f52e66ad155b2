/**
 * Figures of running ports and queues for those who collect them: Prometheus, and JMX.
 *
 * <p>{@link io.vhost.metrics.PortAccounts} stands between servers and the application's listeners and knows
 * who is connected; {@link io.vhost.metrics.MetricsServer} answers scrapes, {@link io.vhost.metrics.JmxBeans}
 * shows the same to JMX. Figures are read when somebody asks, from counters that queues keep anyway: the
 * threads that move packets do nothing for this package.
 */
package io.vhost.metrics;
