package io.vhost.peer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

/**
 * Another program, driven through its standard input and output: lines go in, awaited text comes out.
 *
 * <p>Any thread may call any method, but only one at a time should send and await. Standard error counts
 * as output. The program never outlives this object or this JVM. Buffering is the program's own:
 * {@link #lineBuffered} is for one that would hold its output back because it does not go to a terminal.
 */
public final class Program implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int TAIL = 4000;

    private final String name;
    private final Process process;
    private final Writer input;
    private final Thread killer;
    private final Thread reader;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    @GuardedBy("lock")
    private final StringBuilder output = new StringBuilder();
    @GuardedBy("lock")
    private int seen;
    @GuardedBy("lock")
    private boolean ended;

    private final Pattern noise;   // null: none

    private Program(List<String> command, Pattern noise) throws IOException {
        this.name = String.join(" ", command);
        this.noise = noise;
        this.process = new ProcessBuilder(command).redirectErrorStream(true).start();
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        this.killer = new Thread(process::destroyForcibly, "kill " + process.pid());
        this.reader = Thread.ofPlatform().daemon().name("output of " + process.pid()).start(this::read);
        Runtime.getRuntime().addShutdownHook(killer);
    }

    /** Starts {@code command}; the first element is looked for on the search path. */
    public static Program start(List<String> command) {
        return start(command, null);
    }

    /**
     * The same for one whose threads talk at the same time:
     * what one says may stand in the middle of another's words.
     *
     * @param noise is taken out of the output; null: nothing
     */
    static Program start(List<String> command, Pattern noise) {
        try {
            return new Program(command, noise);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends the signal {@code name}, such as {@code STOP}, to processes. */
    public static void signal(String name, long... pids) {
        List<String> command = new ArrayList<>(List.of("kill", "-" + name));
        for (long pid : pids) {
            command.add(Long.toString(pid));
        }
        try (Program kill = start(command)) {
            if (kill.exitStatus() != 0) {
                throw new IllegalStateException(command + ": " + kill.output());
            }
        }
    }

    /** The words that make a C program flush its output at each line, to stand before its command. */
    public static List<String> lineBuffered() {
        return List.of("stdbuf", "-oL");
    }

    /** Sends one line. */
    public void send(String line) {
        try {
            input.write(line + "\n");
            input.flush();
        } catch (IOException e) {
            throw new IllegalStateException(name + " takes no input: " + e.getMessage() + "\n" + tail(), e);
        }
    }

    /**
     * Waits until {@code text} appears after what was awaited last.
     *
     * @return the output from the previous awaited text to this one, both excluded
     * @throws IllegalStateException when the program ends without it, or after a minute
     */
    public String await(String text) {
        return await(text, PATIENCE);
    }

    /** The same, for what may take longer or must come sooner. */
    public String await(String text, Duration patience) {
        long left = patience.toNanos();
        lock.lock();
        try {
            int found;
            while ((found = output.indexOf(text, seen)) < 0) {
                if (ended || left <= 0) {
                    throw new IllegalStateException(name + (ended ? " ended" : " was silent for " + patience)
                            + " without \"" + text + "\"\n" + tail());
                }
                left = grown.awaitNanos(left);
            }
            String between = output.substring(seen, found);
            seen = found + text.length();
            return between;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while awaiting \"" + text + "\" from " + name, e);
        } finally {
            lock.unlock();
        }
    }

    /** All output so far. */
    public String output() {
        lock.lock();
        try {
            return output.toString();
        } finally {
            lock.unlock();
        }
    }

    /** The program's process id. */
    public long pid() {
        return process.pid();
    }

    /**
     * Waits for the program's end.
     *
     * @return whether it ended within {@code time}
     */
    public boolean ended(Duration time) {
        try {
            return process.waitFor(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the end of " + name, e);
        }
    }

    /**
     * Waits for the program's end, and for the last of its output.
     *
     * @return its exit status
     * @throws IllegalStateException when it still runs after a minute, or somebody still has its output
     */
    public int exitStatus() {
        if (!ended(PATIENCE) || !silent()) {
            throw new IllegalStateException(name + " did not end within " + PATIENCE + "\n" + tail());
        }
        return process.exitValue();
    }

    private boolean silent() {
        try {
            return reader.join(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the output of " + name, e);
        }
    }

    /** Asks the program to end with SIGTERM. What it says then is output as well. */
    public void terminate() {
        // Process.destroy would close our end of its output.
        process.toHandle().destroy();
    }

    /** Kills the program if it still runs, stopped or not, and waits until it is gone. */
    @Override
    public void close() {
        process.destroyForcibly();
        ended(PATIENCE);
        try {
            Runtime.getRuntime().removeShutdownHook(killer);
        } catch (IllegalStateException e) {
            return;   // this JVM is ending, and the hook runs or has run
        }
    }

    private void read() {
        char[] chunk = new char[8192];
        try (Reader from = process.inputReader(StandardCharsets.UTF_8)) {
            for (int length = from.read(chunk); length >= 0; length = from.read(chunk)) {
                append(new String(chunk, 0, length));
            }
        } catch (IOException e) {
            append(e.toString());
        } finally {
            end();
        }
    }

    private void append(String text) {
        lock.lock();
        try {
            output.append(text);
            removeNoise();
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void removeNoise() {
        if (noise != null) {
            String unseen = output.substring(seen);
            output.replace(seen, output.length(), noise.matcher(unseen).replaceAll(""));
        }
    }

    private void end() {
        lock.lock();
        try {
            ended = true;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private String tail() {
        String all = output();
        return all.substring(Math.max(0, all.length() - TAIL));
    }
}
