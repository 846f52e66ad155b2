package io.vhost.app.service;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * A command's options in a file: a JSON object with their names, without dashes. Comments that begin with
 * {@code #} or {@code //}, and a comma too many at an end, are allowed. Thread: one.
 */
public final class ConfigFile {
    /** What names the file on a command line. */
    static final String OPTION = "--config";

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
            .enable(JsonReadFeature.ALLOW_YAML_COMMENTS)
            .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final Set<String> NOT_HERE = Set.of(
            OPTION, "--help", "--version", "--print-capabilities");
    private static final String CONNECT = "--connect";
    /** Names of ports, whichever of the options has them. */
    private static final Set<String> PORTS = Set.of("--socket-path", CONNECT);

    private final CommandLine command;
    private final Path file;
    /** Options of the command line itself, which come before those of the file. */
    private final Set<String> given;
    private final List<String> words = new ArrayList<>();
    private final Map<String, String> places = new HashMap<>();
    private final Set<String> sockets = new HashSet<>();
    private final Map<String, Boolean> ports = new LinkedHashMap<>();
    private final List<String> others = new ArrayList<>();

    private ConfigFile(CommandLine command, Path file, Set<String> given) {
        this.command = command;
        this.file = file;
        this.given = given;
    }

    /** A command line without a file. */
    public static ConfigFile none() {
        return new ConfigFile(null, null, Set.of());
    }

    /**
     * Reads the file that a command line names.
     *
     * @param line all commands
     * @param args the name of one of them, and its words
     * @throws IOException if the file cannot be read
     * @throws ParameterException if it is not understood; the text has file, line and column
     */
    static ConfigFile of(CommandLine line, String... args) throws IOException {
        CommandLine command = line.getSubcommands().get(args[0]);
        if (command == null || !command.getCommandSpec().optionsMap().containsKey(OPTION)) {
            return none();
        }
        Set<String> given = new HashSet<>();
        Path file = null;
        for (int i = 1; i < args.length; i++) {
            int value = args[i].indexOf('=');
            String name = value < 0 ? args[i] : args[i].substring(0, value);
            given.add(name);
            if (name.equals(OPTION) && (value >= 0 || i + 1 < args.length)) {
                file = Path.of(value >= 0 ? args[i].substring(value + 1) : args[i + 1]);
            }
        }
        if (file == null) {
            return none();
        }
        ConfigFile config = new ConfigFile(command, file, given);
        config.read();
        return config;
    }

    /**
     * Reads the file anew.
     *
     * @throws IOException if it cannot be read
     * @throws ParameterException if it is not understood
     */
    ConfigFile again() throws IOException {
        ConfigFile config = new ConfigFile(command, file, given);
        config.read();
        return config;
    }

    /** Whether there is a file. */
    boolean isPresent() {
        return file != null;
    }

    /** Paths of sockets that the file gives to ports, and whether the program connects to them. */
    public Map<String, Boolean> ports() {
        return Collections.unmodifiableMap(ports);
    }

    /** All else in the file. */
    public List<String> others() {
        return Collections.unmodifiableList(others);
    }

    /** The file's path. */
    @Override
    public String toString() {
        return String.valueOf(file);
    }

    /** The words of a command line, with those of the file behind the command's name. */
    public String[] before(String... args) {
        List<String> all = new ArrayList<>(Arrays.asList(args));
        all.addAll(Math.min(1, all.size()), words);
        return all.toArray(String[]::new);
    }

    /** Where in the file an option has its value, with a colon behind it; empty if it is not from there. */
    public String place(ArgSpec option) {
        return option instanceof OptionSpec named
                ? Arrays.stream(named.names()).map(name -> places.getOrDefault(name, ""))
                        .reduce("", String::concat)
                : "";
    }

    private void read() throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(OPTION + " " + file + " is a directory; name a file");
        }
        if (!Files.exists(file)) {
            throw new IOException(OPTION + " " + file + ": there is no such file");
        }
        try (JsonParser json = FACTORY.createParser(Files.readString(file))) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw fault(json, "an object is expected: {\"socket-path\": [\"/run/vm0.sock\"]}");
            }
            while (json.nextToken() != JsonToken.END_OBJECT) {
                option(json);
            }
            if (json.nextToken() != null) {
                throw fault(json, "nothing may follow the object");
            }
        } catch (JsonProcessingException e) {
            throw new ParameterException(command, place(e.getLocation()) + ": " + e.getOriginalMessage(), e);
        }
    }

    private void option(JsonParser json) throws IOException {
        String word = json.currentName();
        OptionSpec option = command.getCommandSpec().optionsMap().get("--" + word);
        if (option == null || NOT_HERE.contains("--" + word)) {
            throw fault(json, "unknown word \"" + word + "\"; there are " + known());
        }
        JsonToken value = json.nextToken();
        if (option.arity().max() == 0) {
            flag(json, option, value);
        } else if (value == JsonToken.START_ARRAY && option.isMultiValue()) {
            while (json.nextToken() != JsonToken.END_ARRAY) {
                value(json, option);
            }
        } else {
            value(json, option);
        }
    }

    private void flag(JsonParser json, OptionSpec option, JsonToken value) throws IOException {
        if (!value.isBoolean()) {
            throw fault(json, "\"" + json.currentName() + "\" is true or false");
        }
        if (value == JsonToken.VALUE_TRUE) {
            add(json, option, option.longestName());
        }
    }

    private void value(JsonParser json, OptionSpec option) throws IOException {
        JsonToken token = json.currentToken();
        if (token != JsonToken.VALUE_STRING && !token.isNumeric()) {
            throw fault(json, "\"" + option.longestName().substring(2) + "\" takes a text or a number"
                    + (option.isMultiValue() ? ", or several in brackets" : ""));
        }
        if (PORTS.contains(option.longestName()) && !sockets.add(json.getText())) {
            throw fault(json, "port " + json.getText() + " is given twice");
        }
        add(json, option, option.longestName() + "=" + json.getText());
    }

    private void add(JsonParser json, OptionSpec option, String word) throws IOException {
        if (!given.contains(option.longestName())) {
            words.add(word);
            if (PORTS.contains(option.longestName())) {
                ports.put(json.getText(), option.longestName().equals(CONNECT));
            } else {
                others.add(word);
            }
            places.put(option.longestName(), place(json.currentTokenLocation()) + ": ");
        }
    }

    private String known() {
        Set<String> names = new TreeSet<>();
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (!NOT_HERE.contains(option.longestName()) && !option.hidden()) {
                names.add(option.longestName().substring(2));
            }
        }
        return String.join(", ", names);
    }

    private ParameterException fault(JsonParser json, String text) {
        return new ParameterException(command, place(json.currentTokenLocation()) + ": " + text);
    }

    private String place(JsonLocation location) {
        return file + ":" + location.getLineNr() + ":" + Math.max(1, location.getColumnNr());
    }
}
