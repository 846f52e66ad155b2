package io.vhost.app.cli;

import io.vhost.app.polling.PortPrograms;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.ProgramPlace;
import io.vhost.device.Verdict;
import io.vhost.monitor.command.Command;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import io.vhost.program.ProgramRegistry;
import io.vhost.program.QueueProgram;
import io.vhost.program.command.ProgramCommands;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Programs on packets: options of several commands. Thread: one. */
public final class ProgramArguments implements PortPrograms.Keeper {
    private static final Pattern PLACE = Pattern.compile("(\\d{1,9})(/in|/out)?=(.+)");

    @Option(names = "--program", paramLabel = "PORT[/out]=OBJ[:SECTION]",
            description = "Let an eBPF program (XDP or tc) of an object file decide on each packet that comes"
                    + " from a port, or with /out goes to it. SECTION is its section or name, and may be left"
                    + " out if the object has one. Any number; they run in the order given. Redirects go to"
                    + " port N as interface N + 1.")
    private List<String> programs = List.of();

    @Option(names = "--map", paramLabel = "NAME=FILE",
            description = "Fill a map of these objects from a JSON file: a list of {\"key\": K, \"value\":"
                    + " V}, or an object of values by key.")
    private Map<String, Path> maps = new LinkedHashMap<>();

    @Option(names = "--program-set", paramLabel = "NAME=NUMBER",
            description = "Set a variable of the objects before they are loaded, also one of .rodata.")
    private Map<String, String> variables = new LinkedHashMap<>();

    @Option(names = "--program-budget", paramLabel = "JUMPS",
            description = "Accept loops that are not known to end, and abort a program on a packet for which"
                    + " it makes more jumps back and calls than this.")
    private long budget;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    private final ProgramRegistry registry = new ProgramRegistry();
    private final List<Placed> placed = new ArrayList<>();

    /** Where programs are, for those who look. */
    public ProgramRegistry registry() {
        return registry;
    }

    /** What a monitor can do with programs. */
    public List<Command> commands() {
        return ProgramCommands.of(registry, options());
    }

    private ProgramOptions options() {
        ProgramOptions options = ProgramOptions.defaults();
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            try {
                options = options.set(variable.getKey(), Long.decode(variable.getValue()));
            } catch (NumberFormatException e) {
                throw fault("--program-set " + variable.getKey() + ": " + variable.getValue()
                        + " is no number", e);
            }
        }
        if (budget < 0) {
            throw fault("--program-budget must be positive", null);
        }
        return budget == 0 ? options : options.budgeted(budget);
    }

    /** A program, and where it belongs. */
    private record Placed(int port, boolean toGuest, QueueProgram program) {}

    /**
     * Loads the objects and fills their maps. Then programs are attached to ports as these come.
     *
     * @param ports of the command line, counted from 0
     * @throws IOException if a file cannot be read; the text names it
     */
    public void prepare(int ports) throws IOException {
        Map<String, ProgramObject> loaded = new LinkedHashMap<>();
        for (String program : programs) {
            Matcher parts = PLACE.matcher(program);
            if (!parts.matches()) {
                throw fault("--program " + program + ": write PORT=OBJ, PORT/out=OBJ or PORT=OBJ:SECTION",
                        null);
            }
            String file = file(parts.group(3));
            String section = parts.group(3).substring(Math.min(parts.group(3).length(), file.length() + 1));
            int port = Integer.parseInt(parts.group(1));
            if (port >= ports) {
                throw fault("--program " + program + ": there is no port " + port + "; they are counted"
                        + " from 0, and there are " + ports, null);
            }
            try {
                ProgramObject object = loaded.get(file);
                if (object == null) {
                    object = load(Path.of(file));
                    loaded.put(file, object);
                    registry.add(String.valueOf(Path.of(file).getFileName()), object);
                }
                QueueProgram code = object.program(section);
                boolean out = "/out".equals(parts.group(2));
                code.checkPlace(new ProgramPlace("port " + port, port + 1, out));
                placed.add(new Placed(port, out, code));
            } catch (IllegalArgumentException e) {
                throw fault("--program " + program + ": " + e.getMessage(), e);
            }
        }
        fill();
    }

    @Override
    public void added(PortPrograms port) {
        port.chains().forEach(registry::add);
        for (Placed one : placed) {
            for (ProgramChain chain : port.chains()) {
                ProgramPlace place = chain.place();
                if (place.port() == one.port() + 1 && place.isToGuest() == one.toGuest()) {
                    attach(chain, one.program());
                }
            }
        }
    }

    @Override
    public void removed(PortPrograms port) {
        port.chains().forEach(registry::remove);
    }

    /** The same program may be at a place twice. */
    private static void attach(ProgramChain place, QueueProgram program) {
        String name = program.name();
        List<String> taken = place.links().stream().map(ProgramLink::name).toList();
        for (int i = 2; taken.contains(name); i++) {
            name = program.name() + "#" + i;
        }
        place.attach(name, program);
    }

    /** What is before the last colon, unless the whole is a file: names of files may have one. */
    static String file(String text) {
        int colon = text.lastIndexOf(':');
        return colon <= 0 || Files.exists(Path.of(text)) ? text : text.substring(0, colon);
    }

    private ProgramObject load(Path file) throws IOException {
        try {
            return ProgramObject.load(file, options());
        } catch (ProgramRefusedException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private void fill() throws IOException {
        for (Map.Entry<String, Path> map : maps.entrySet()) {
            try {
                MapFile.read(map.getValue(), registry.map(map.getKey()));
            } catch (IllegalArgumentException | IllegalStateException e) {
                throw fault("--map " + map.getKey() + "=" + map.getValue() + ": " + e.getMessage(), e);
            }
        }
    }

    private ParameterException fault(String text, Exception cause) {
        return new ParameterException(spec.commandLine(), text, cause);
    }

    /** What the programs have decided; nothing if there are none. */
    public void totals(PrintWriter out) {
        List<ProgramLink> links = registry.links();
        if (links.isEmpty()) {
            return;
        }
        out.printf("%n%-24s%14s%14s%14s%12s%12s%12s%n",
                "program", "packets", "passed", "dropped", "back", "redirected", "aborted");
        for (ProgramLink link : links) {
            out.printf(Locale.ROOT, "%-24s%14d%14d%14d%12d%12d%12d%n", name(link), link.packets(),
                    link.count(Verdict.PASS), link.count(Verdict.DROP), link.count(Verdict.TX),
                    link.count(Verdict.REDIRECT), link.count(Verdict.ABORTED));
        }
        for (ProgramChain chain : registry.chains()) {
            long lost = chain.transmitFailures() + chain.redirectFailures() + chain.noPort();
            if (lost > 0) {
                out.printf(Locale.ROOT, "port %d: %d sent back and %d redirected found no room, %d no port%n",
                        chain.place().port() - 1, chain.transmitFailures(), chain.redirectFailures(),
                        chain.noPort());
            }
        }
        out.flush();
    }

    private static String name(ProgramLink link) {
        return "port " + (link.place().port() - 1) + (link.place().isToGuest() ? " out " : " ") + link.name();
    }
}
