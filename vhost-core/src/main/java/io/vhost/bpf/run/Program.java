package io.vhost.bpf.run;

/**
 * An image with what executes it. The executable can be exchanged while the program runs: each call of a
 * function ends with what it began.
 *
 * <p>Thread: any.
 */
public final class Program {
    private final Image image;
    private volatile Executable executable;

    /** Puts them together. */
    public Program(Image image, Executable executable) {
        this.image = image;
        this.executable = executable;
    }

    /** The program. */
    public Image image() {
        return image;
    }

    /** What executes it now. */
    public Executable executable() {
        return executable;
    }

    /** Lets something else execute it from the next run on. */
    public void execute(Executable other) {
        executable = other;
    }
}
