package io.vhost.capture;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.ProgramChain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The captures of an application, and the places whose packets they can record, for those who look into it
 * and for those who start them: the monitor's commands, a command line. Threads: any.
 */
public final class CaptureRegistry implements AutoCloseable {
    /** Most captures at a time: each has a buffer. */
    public static final int MOST = 16;
    /** Of those that are over, so many are remembered. */
    private static final int REMEMBERED = 16;

    private final Object lock = new Object();

    @GuardedBy("lock")
    private final List<ProgramChain> chains = new ArrayList<>();

    @GuardedBy("lock")
    private final List<Capture> captures = new ArrayList<>();

    @GuardedBy("lock")
    private boolean closed;

    /** Nothing yet. */
    public CaptureRegistry() {}

    /** Adds a place. */
    public void add(ProgramChain chain) {
        synchronized (lock) {
            chains.add(chain);
        }
    }

    /** Takes a place away whose port is gone; a capture that records nothing else ends. */
    public void remove(ProgramChain chain) {
        List<Capture> all;
        synchronized (lock) {
            chains.remove(chain);
            all = List.copyOf(captures);
        }
        all.forEach(capture -> capture.remove(chain));
    }

    /** {@return the places, in the order in which they were added} */
    public List<ProgramChain> chains() {
        synchronized (lock) {
            return List.copyOf(chains);
        }
    }

    /**
     * {@return places of a port}
     *
     * @param port its number, as programs count: from 1
     * @param fromGuest whether packets from the guest are meant
     * @param toGuest whether packets to it are meant
     * @throws IllegalArgumentException if there is no such port
     */
    public List<ProgramChain> chains(long port, boolean fromGuest, boolean toGuest) {
        List<ProgramChain> found = chains().stream().filter(chain -> chain.place().port() == port
                && (chain.place().isToGuest() ? toGuest : fromGuest)).toList();
        if (found.isEmpty()) {
            throw new IllegalArgumentException("no port " + (port - 1) + "; there are "
                    + chains().stream().map(chain -> chain.place().port() - 1).distinct().toList());
        }
        return found;
    }

    /**
     * Starts a capture.
     *
     * @param file as {@link Capture#start} takes it; no other capture's that is not over
     * @param options how packets are recorded
     * @param places what is recorded at first
     * @throws IOException if the file cannot be written
     * @throws IllegalArgumentException if a capture writes that file, there are {@link #MOST}, a place is not
     *     one of {@link #chains} any more, or it cannot work there
     */
    public Capture start(Path file, CaptureOptions options, List<ProgramChain> places) throws IOException {
        synchronized (lock) {
            if (closed) {
                throw new IllegalStateException("the application ends");
            }
            if (captures.stream().anyMatch(other -> !isOver(other) && isSame(other.file(), file))) {
                throw new IllegalArgumentException("a capture to " + file + " runs already; stop it, or name"
                        + " another file");
            }
            if (captures.stream().filter(other -> !isOver(other)).count() >= MOST) {
                throw new IllegalArgumentException("there are " + MOST + " captures; stop one");
            }
            for (ProgramChain place : places) {
                // It would never end: who takes the port away has looked for its captures already.
                if (!chains.contains(place)) {
                    throw new IllegalArgumentException(place.place() + " is gone; name another port");
                }
            }
            captures.removeIf(other -> isOver(other) && isSame(other.file(), file));
            while (captures.stream().filter(CaptureRegistry::isOver).count() > REMEMBERED) {
                captures.remove(captures.stream().filter(CaptureRegistry::isOver).findFirst().orElseThrow());
            }
            Capture capture = Capture.start(file, options);
            boolean complete = false;
            try {
                places.forEach(capture::add);
                captures.add(capture);
                complete = true;
                return capture;
            } finally {
                if (!complete) {
                    capture.close();
                }
            }
        }
    }

    private static boolean isOver(Capture capture) {
        return capture.state() == CaptureState.ENDED || capture.state() == CaptureState.FAILED;
    }

    /** Whether two paths lead to one file, which links may have several names for. */
    private static boolean isSame(Path one, Path other) {
        try {
            return real(one).equals(real(other)) || Files.isSameFile(one, other);
        } catch (IOException _) {
            // One of them is not there: a name of several files, or a file that was removed.
            return false;
        }
    }

    private static Path real(Path path) {
        Path absolute = path.toAbsolutePath();
        try {
            return absolute.getParent() == null ? absolute
                    : absolute.getParent().toRealPath().resolve(absolute.getFileName());
        } catch (IOException _) {
            return absolute.normalize();
        }
    }

    /**
     * Ends a capture, and forgets it.
     *
     * @param file that it was started with
     * @throws IllegalArgumentException if there is none
     */
    public void stop(Path file) {
        Capture found;
        synchronized (lock) {
            found = captures.stream().filter(capture -> isSame(capture.file(), file)).findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no capture to " + file + "; there are "
                            + captures.stream().map(Capture::file).toList()));
            captures.remove(found);
        }
        found.close();
    }

    /** {@return the captures; the last ones that are over are among them} */
    public List<Capture> captures() {
        synchronized (lock) {
            return List.copyOf(captures);
        }
    }

    /** Ends all captures; they can still be looked at, and no other begins. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
        }
        List<Capture> all = captures();
        // All first: each may wait for a reader that takes nothing.
        all.forEach(Capture::beginEnd);
        all.forEach(Capture::close);
    }
}
