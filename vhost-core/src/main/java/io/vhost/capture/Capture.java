package io.vhost.capture;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.ProgramPlace;
import io.vhost.device.Verdict;
import io.vhost.os.OsException;
import io.vhost.os.OutputFile;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Records packets of ports into a file of format pcapng, or for a reader of a pipe.
 *
 * <pre>{@code
 * try (Capture capture = Capture.start(Path.of("/tmp/vm0.pcapng"), CaptureOptions.defaults())) {
 *     capture.add(fromGuest);   // the ProgramChain that the port's queues were given
 *     capture.add(toGuest);
 *     ...
 * }
 * }</pre>
 *
 * <p>What is recorded is a program of the chain, which lets all packets pass; while nothing is recorded there
 * is none. The threads that move packets copy them into a buffer and never wait; a thread of the capture
 * writes. What finds no room in the buffer is dropped from the capture, and counted.
 *
 * <p>Threads: any.
 */
public final class Capture implements AutoCloseable {
    private static final Logger LOG = System.getLogger("io.vhost.capture");
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    /** Longest wait for the writer at the end, in ms. */
    private static final int PATIENCE_MILLIS = 5000;

    private final Path file;
    private final CaptureOptions options;
    private final String name = "capture-" + NUMBERS.incrementAndGet();
    private final CaptureOutput output;
    private final Thread thread;
    private final Object lock = new Object();

    /** Null when all is over: captures may be remembered for long. */
    @GuardedBy("lock")
    private CaptureBuffer buffer;

    /** The taps, and their links while something is recorded. */
    @GuardedBy("lock")
    private final Map<ProgramChain, Placed> places = new LinkedHashMap<>();

    private final Object queuesLock = new Object();
    /** Replaced under that lock. */
    private volatile List<CapturedQueue> queues = List.of();
    private volatile CaptureState state = CaptureState.WAITING;
    private volatile boolean ending;
    private volatile String failure;

    private record Placed(PacketTap tap, Optional<ProgramLink> link) {}

    private Capture(Path file, CaptureOptions options) {
        this.file = file;
        this.options = options;
        buffer = new CaptureBuffer(options.bufferSize());
        output = new CaptureOutput(file, options, () -> ending);
        thread = Thread.ofPlatform().name("vhost-" + name).daemon().unstarted(
                once(new CaptureWriter(new Events(), file, buffer, options, output)));
    }

    /** A thread that has ended keeps what it ran, which has the buffer. */
    private static Runnable once(Runnable task) {
        AtomicReference<Runnable> left = new AtomicReference<>(task);
        return () -> left.getAndSet(null).run();
    }

    /**
     * Opens the file and begins, with no port yet. A pipe is recorded to once somebody reads it, and again
     * when the next one does; the capture ends when the pipe is removed.
     *
     * @param file a file, which is created with mode 600; or a pipe
     * @param options how packets are recorded
     * @throws IOException if the file cannot be written, or there is no memory; the text says why
     * @throws IllegalArgumentException if a pipe is to be several files
     */
    public static Capture start(Path file, CaptureOptions options) throws IOException {
        if (options.fileSize() > 0 && OutputFile.isPipe(file)) {
            throw new IllegalArgumentException(file + " is a pipe, which cannot be several files;"
                    + " leave their size out, or name a file");
        }
        if (options.fileSize() > 0 && Files.isDirectory(file)) {
            throw new IOException("cannot capture to " + file + ": it is a directory; name files in it");
        }
        try {
            return open(file, options);
        } catch (OutOfMemoryError e) {
            throw new IOException("cannot capture to " + file + ": no room for a buffer of "
                    + options.bufferSize() + " bytes and a thread; make it smaller, or give the JVM more"
                    + " (-XX:MaxDirectMemorySize)", e);
        }
    }

    private static Capture open(Path file, CaptureOptions options) throws IOException {
        Capture capture = new Capture(file, options);
        try {
            boolean open = capture.output.open();
            if (!open) {
                LOG.log(Level.WARNING, () -> "nobody reads the pipe " + file + " yet; the capture waits for a"
                        + " reader");
            }
            // Before the thread runs: whoever asks at once learns what is true.
            capture.state = open ? CaptureState.RECORDING : CaptureState.WAITING;
        } catch (OsException e) {
            throw new IOException("cannot capture to " + file + ": " + e.getMessage(), e);
        }
        boolean started = false;
        try {
            capture.thread.start();
            started = true;
        } finally {
            if (!started) {
                capture.output.close();
            }
        }
        return capture;
    }

    /**
     * Records the packets of a place from now on.
     *
     * @param chain port and direction
     * @throws IllegalArgumentException if the place has no room for a program, or the filter cannot work
     * there
     * @throws IllegalStateException if it is recorded by this capture already, or this has ended or failed
     */
    public void add(ProgramChain chain) {
        synchronized (lock) {
            if (state == CaptureState.ENDED || state == CaptureState.FAILED || ending) {
                throw new IllegalStateException("the capture to " + file + " has ended; start another");
            }
            if (places.containsKey(chain)) {
                throw new IllegalStateException(chain.place() + " is recorded to " + file + " already");
            }
            PacketProgram filter = options.filter().orElse(null);
            PacketTap tap = new PacketTap(buffer, options.snapLength(), filter,
                    pair -> queue(chain.place(), pair));
            tap.checkPlace(chain.place());
            tap.begin();
            places.put(chain, new Placed(tap, Optional.empty()));
            if (state == CaptureState.RECORDING) {
                boolean attached = false;
                try {
                    places.put(chain, new Placed(tap, Optional.of(attach(chain, tap))));
                    attached = true;
                } finally {
                    if (!attached) {
                        places.remove(chain);
                    }
                }
            }
        }
    }

    private ProgramLink attach(ProgramChain chain, PacketTap tap) {
        // First of all, or last of all: programs of the same number that came before are few.
        int priority = options.isPassed() ? Integer.MAX_VALUE : Integer.MIN_VALUE;
        return chain.attach(name, tap, priority, EnumSet.of(Verdict.PASS));
    }

    private CapturedQueue queue(ProgramPlace place, int pair) {
        synchronized (queuesLock) {
            CapturedQueue queue = new CapturedQueue(queues.size(), place, pair);
            queues = Stream.concat(queues.stream(), Stream.of(queue)).toList();
            return queue;
        }
    }

    /**
     * Records the packets of a place no more; what was recorded is written. If it was the last place the
     * capture ends soon, without being waited for. A place that is not recorded has no effect.
     *
     * @param chain port and direction
     */
    public void remove(ProgramChain chain) {
        synchronized (lock) {
            Placed placed = places.remove(chain);
            if (placed != null) {
                placed.link().ifPresent(chain::detach);
                if (places.isEmpty()) {
                    end();
                }
            }
        }
    }

    /** {@return the file, as it was given} */
    public Path file() {
        return file;
    }

    /** {@return the name of its programs in chains} */
    public String name() {
        return name;
    }

    /** {@return what it does} */
    public CaptureState state() {
        return state;
    }

    /** {@return why it has failed; empty if it has not} */
    public Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    /** {@return counters of each queue that was met, in the order in which they were} */
    public List<QueueCapture> counters() {
        return queues.stream().map(CapturedQueue::counters).toList();
    }

    /** {@return bytes that were written so far, to all files} */
    public long bytes() {
        return output.total();
    }

    /** {@return files that were begun; of a pipe, its readers} */
    public int files() {
        return output.files();
    }

    /**
     * Ends the capture: what was recorded is written, with the statistics. Waits for that, but not for ever:
     * a reader that takes nothing for 2 s does not get the rest, which is counted as dropped.
     */
    @Override
    public void close() {
        beginEnd();
        boolean interrupted = false;
        try {
            if (!thread.join(Duration.ofMillis(PATIENCE_MILLIS))) {
                LOG.log(Level.WARNING, () -> "the capture to " + file + " does not end: its file takes"
                        + " nothing since " + PATIENCE_MILLIS + " ms; it is left to itself");
            }
        } catch (InterruptedException _) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends the capture, as {@link #close} does, but does not wait. */
    void beginEnd() {
        synchronized (lock) {
            end();
        }
    }

    @GuardedBy("lock")
    private void end() {
        detach();
        places.clear();
        // In this order: a writer that opens the buffer for another reader looks after that whether it may.
        ending = true;
        if (buffer != null) {
            buffer.close();
        }
        LockSupport.unpark(thread);
    }

    @GuardedBy("lock")
    private void detach() {
        places.replaceAll((chain, placed) -> {
            placed.link().ifPresent(chain::detach);
            return new Placed(placed.tap(), Optional.empty());
        });
    }

    private Optional<ProgramLink> attached(ProgramChain chain, PacketTap tap) {
        try {
            return Optional.of(attach(chain, tap));
        } catch (IllegalArgumentException e) {
            LOG.log(Level.WARNING, () -> chain.place() + " is not recorded to " + file + ": "
                    + e.getMessage());
            return Optional.empty();
        }
    }

    /** For the writer. */
    private final class Events implements CaptureEvents {
        @Override
        public boolean isEnding() {
            return ending;
        }

        @Override
        public List<CapturedQueue> queues() {
            return queues;
        }

        @Override
        public void recording() {
            synchronized (lock) {
                if (ending) {
                    return;
                }
                places.replaceAll((chain, placed) -> placed.link().isPresent() ? placed
                        : new Placed(placed.tap(), attached(chain, placed.tap())));
                state = CaptureState.RECORDING;
            }
        }

        @Override
        public void detachAll() {
            synchronized (lock) {
                detach();
            }
        }

        @Override
        public void waiting() {
            synchronized (lock) {
                detach();
                state = CaptureState.WAITING;
            }
            if (!ending && OutputFile.isPipe(file)) {
                LOG.log(Level.WARNING, () -> "the reader of " + file + " has gone; the capture waits for"
                        + " another");
            }
        }

        @Override
        public void over(CaptureState last, String reason) {
            synchronized (lock) {
                detach();
                places.clear();
                buffer = null;
                ending = true;
                failure = reason;
                state = last;
            }
            if (reason != null) {
                LOG.log(Level.WARNING, () -> "the capture to " + file + " has failed, and all else goes on: "
                        + reason);
            }
        }
    }

    @Override
    public String toString() {
        return name + " to " + file;
    }
}
