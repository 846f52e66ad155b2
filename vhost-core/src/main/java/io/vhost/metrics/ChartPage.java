package io.vhost.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;

/**
 * A page for people, which reads {@code /metrics} each second and draws it with uPlot. Its files are in
 * memory; nothing but them is served, and the page may ask nobody but this server. Without uPlot, an optional
 * library, it shows tables only and says what is missing.
 *
 * <p>Threads: those of requests.
 */
final class ChartPage implements HttpHandler {
    /** What the page and its files are below. */
    static final String PATH = "/";

    private static final Logger LOG = System.getLogger("io.vhost.metrics");
    private static final String FOLDER = "page/";
    /** A WebJar tells its version here, and has its files in a folder of that name. */
    private static final String UPLOT = "META-INF/maven/org.webjars.npm/uplot/pom.properties";
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none';"
            + " frame-ancestors 'none'";
    private static final String HTML = "text/html; charset=utf-8";
    private static final String STYLE = "text/css; charset=utf-8";
    private static final String SCRIPT = "text/javascript; charset=utf-8";
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int NO_BODY = -1;

    private static final class PageFile {
        private final String type;
        private final byte[] content;

        PageFile(String type, byte[] content) {
            this.type = type;
            this.content = content;
        }
    }

    private final Map<String, PageFile> files = new LinkedHashMap<>();

    /**
     * Reads the files.
     *
     * @throws IOException if one of them cannot be read
     */
    ChartPage() throws IOException {
        own(PATH, "index.html", HTML);
        own("/page.css", "page.css", STYLE);
        own("/figures.js", "figures.js", SCRIPT);
        own("/page.js", "page.js", SCRIPT);
        String library = library();
        add("/uPlot.css", STYLE, library + "uPlot.min.css");
        add("/uPlot.js", SCRIPT, library + "uPlot.iife.min.js");
    }

    private void own(String path, String name, String type) throws IOException {
        try (InputStream in = ChartPage.class.getResourceAsStream(FOLDER + name)) {
            files.put(path, new PageFile(type, in.readAllBytes()));
        }
    }

    private static String library() throws IOException {
        try (InputStream in = ChartPage.class.getClassLoader().getResourceAsStream(UPLOT)) {
            Properties about = new Properties();
            if (in != null) {
                about.load(in);
            }
            return "META-INF/resources/webjars/uplot/" + about.getProperty("version", "absent") + "/dist/";
        }
    }

    private void add(String path, String type, String resource) throws IOException {
        try (InputStream in = ChartPage.class.getClassLoader().getResourceAsStream(resource)) {
            // Nothing in its place: the page has to find out that there is no library, not that it is broken.
            files.put(path, new PageFile(type, in == null ? new byte[0] : in.readAllBytes()));
            if (in == null) {
                LOG.log(Level.DEBUG, "no charts: {0} is not there", resource);
            }
        }
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            boolean head = exchange.getRequestMethod().equals("HEAD");
            PageFile file = files.get(exchange.getRequestURI().getPath());
            if (!head && !exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                exchange.sendResponseHeaders(NOT_ALLOWED, NO_BODY);
            } else if (file == null) {
                exchange.sendResponseHeaders(NOT_FOUND, NO_BODY);
            } else {
                answer(exchange, file, head);
            }
        }
    }

    private static void answer(HttpExchange exchange, PageFile file, boolean head) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", file.type);
        exchange.getResponseHeaders().set("Content-Security-Policy", POLICY);
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        exchange.getResponseHeaders().set("Referrer-Policy", "no-referrer");
        exchange.getResponseHeaders().set("Cache-Control", "no-cache");
        exchange.sendResponseHeaders(OK, head || file.content.length == 0 ? NO_BODY : file.content.length);
        if (!head && file.content.length > 0) {
            exchange.getResponseBody().write(file.content);
        }
    }
}
