package io.vhost.metrics;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Serves requests only that name this server by an address or a name it knows. A page of somebody else's,
 * whose name was made to lead here (DNS rebinding), lets a browser ask in its own name, and is refused.
 *
 * <p>Threads: those of requests.
 */
final class HostCheck extends Filter {
    private static final int FORBIDDEN = 403;
    private static final byte[] REFUSAL =
            "This server does not know itself by the name that the request has (--metrics-host).\n"
                    .getBytes(StandardCharsets.US_ASCII);

    private final Set<String> names = new HashSet<>(Set.of("localhost"));

    /** Knows {@code localhost} and these names. */
    HostCheck(List<String> names) {
        names.forEach(name -> this.names.add(name.toLowerCase(Locale.ROOT)));
    }

    @Override
    public String description() {
        return "requests to this host only";
    }

    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        List<String> hosts = exchange.getRequestHeaders().get("Host");
        if (hosts != null && hosts.size() == 1 && isOurs(hosts.getFirst())) {
            chain.doFilter(exchange);
            return;
        }
        try (exchange) {
            exchange.sendResponseHeaders(FORBIDDEN, REFUSAL.length);
            exchange.getResponseBody().write(REFUSAL);
        }
    }

    /** Whether a Host header, with a port or without, is an address or one of the names. */
    boolean isOurs(String header) {
        try {
            String host = new URI("http://" + header).getHost();
            return host != null && (isAddress(host) || names.contains(host.toLowerCase(Locale.ROOT)));
        } catch (URISyntaxException _) {
            return false;
        }
    }

    private static boolean isAddress(String host) {
        try {
            InetAddress _ = InetAddress.ofLiteral(host.startsWith("[") ? host.substring(1, host.length() - 1)
                    : host);
            return true;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }
}
