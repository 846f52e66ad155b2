package io.vhost.bpf.run;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;

/**
 * An image with what executes it. The executable can be exchanged while the program runs: each call of a
 * function ends with what it began.
 *
 * <p>Thread: any number at once, each with a {@link Cpu} of its own.
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

    /**
     * Runs on the context and the packet that the Cpu was given before.
     *
     * @param r1 its first argument: {@link Address#CONTEXT}, or 0 without a context
     * @param r2 its second one, 0 for programs that people write
     * @return what it returned, or 0 if it was aborted: {@link Cpu#abort} tells
     * @throws IllegalStateException if a program is running on this Cpu
     */
    public long run(Cpu cpu, long r1, long r2) {
        cpu.refuseNested();
        cpu.start(this, image.tables(), image.values());
        try {
            return executable.call(cpu, 0, Address.FIRST_FP, r1, r2, 0, 0, 0);
        } catch (RuntimeException e) {
            cpu.aborted(e);
            return 0;
        } finally {
            cpu.stop();
        }
    }

    /**
     * Runs once for each element of a burst, with the context as argument. An aborted run gets the result 0
     * and does not end the burst; an exception of the burst itself does.
     *
     * @param from the first element
     * @param to   one past the last
     * @throws IllegalStateException if a program is running on this Cpu
     */
    public void runBurst(Cpu cpu, Burst burst, int from, int to) {
        cpu.refuseNested();
        int next = from;
        while (next < to) {
            next = runPart(cpu, burst, next, to);
        }
    }

    /** Runs until an element's run is aborted; the element to go on with. */
    private int runPart(Cpu cpu, Burst burst, int from, int to) {
        cpu.start(this, image.tables(), image.values());
        try {
            executable.burst(cpu, burst, from, to);
            return to;
        } catch (RuntimeException e) {
            if (!cpu.isExecuting()) {   // the application's own
                throw e;
            }
            cpu.aborted(e);
        } finally {
            cpu.stop();
        }
        burst.done(cpu, cpu.element(), 0);
        return cpu.element() + 1;
    }

    /** The program that runs on a Cpu, for helpers and executables. */
    public static Program running(Cpu cpu) {
        return (Program) cpu.running();
    }

    /**
     * For executables: runs another program in the place of the running one.
     *
     * @param fp    the frame that it replaces
     * @param index which entry of the map of programs
     * @return false if there is none or too many followed each other: then the caller goes on; else
     *         {@link Cpu#result} is what the caller has to return
     */
    public static boolean tailCall(Cpu cpu, long fp, long r1, long map, long index) {
        BpfTable table = cpu.map(map);
        Object slot = table instanceof SlotTable slots ? slots.get(index & 0xFFFFFFFFL) : null;
        if (!(slot instanceof Program next) || !cpu.countTailCall()) {
            return false;
        }
        Program before = running(cpu);
        cpu.replace(next, next.image.tables(), next.image.values());
        cpu.result(next.executable.call(cpu, 0, fp, r1, 0, 0, 0, 0));
        cpu.replace(before, before.image.tables(), before.image.values());
        return true;
    }

    @Override
    public String toString() {
        return "program " + image.code().name();
    }
}
