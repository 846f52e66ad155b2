package io.vhost.metrics;

import java.util.List;

/** Whether what serves metrics is there: a program that does not need not have it. */
final class MetricsLibrary {
    private static final List<String> CLASSES = List.of(
            "io.prometheus.metrics.exporter.httpserver.MetricsHandler", "com.sun.net.httpserver.HttpServer");

    private MetricsLibrary() {}

    /**
     * Asks before anything depends on it.
     *
     * @throws IllegalStateException if it is missing; the text names the artifact
     */
    static void require() {
        for (String name : CLASSES) {
            try {
                Class.forName(name, false, MetricsLibrary.class.getClassLoader());
            } catch (ClassNotFoundException missing) {
                throw new IllegalStateException("metrics need"
                        + " io.prometheus:prometheus-metrics-exporter-httpserver: add it to the program (on a"
                        + " module path also: --add-modules ALL-MODULE-PATH,jdk.httpserver)", missing);
            }
        }
    }
}
