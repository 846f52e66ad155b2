package io.vhost.monitor.json;

/** Whether the library that writes JSON is there: a program without a monitor need not have it. */
public final class JsonLibrary {
    private static final String CLASS = "com.fasterxml.jackson.core.JsonFactory";

    private JsonLibrary() {}

    /**
     * Asks for the library before anything depends on it.
     *
     * @throws IllegalStateException if it is missing; the text names the artifact
     */
    public static void require() {
        try {
            Class.forName(CLASS, false, JsonLibrary.class.getClassLoader());
        } catch (ClassNotFoundException missing) {
            throw new IllegalStateException("the monitor needs com.fasterxml.jackson.core:jackson-core: add"
                    + " it to the program (on a module path also: --add-modules com.fasterxml.jackson.core)",
                    missing);
        }
    }
}
