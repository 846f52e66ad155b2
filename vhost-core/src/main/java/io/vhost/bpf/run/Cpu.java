package io.vhost.bpf.run;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.AddressSpace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The state of a thread that runs programs; what the kernel calls a CPU, since maps have a value for each.
 *
 * <p>Thread: one at a time. A run inside a run, from a helper, is refused. {@link Program} runs.
 */
public final class Cpu {
    /** As the kernel's {@code MAX_TAIL_CALL_CNT}. */
    public static final int MAX_TAIL_CALLS = 33;
    /** Jumps back and calls of a run unless told otherwise. */
    public static final long DEFAULT_BUDGET = 1 << 20;

    /** What {@link #redirect()} answers where a program did not redirect. */
    public static final long NOWHERE = -1;

    private static final int REGISTERS = 11;
    private static final int SCRATCH = 24;

    private final int number;
    private final AddressSpace memory = new AddressSpace();
    private final PacketRoom packet = new PacketRoom(memory);
    private final long[][] registers = new long[Address.FRAMES][REGISTERS];
    private long maxBudget = DEFAULT_BUDGET;
    private long budget;
    private int tailCalls;
    private Object running;
    private BpfTable[] maps = new BpfTable[0];
    private BpfTable[] handedOut = new BpfTable[0];
    private int handedOutCount;
    private long result;
    private Abort abort = Abort.NONE;
    private RuntimeException cause;
    private int faultAt = -1;
    private int element;
    private boolean executing;
    private long frame;
    private long redirect = NOWHERE;
    private final Obligations obligations = new Obligations();
    private final MemorySegment scratch = Arena.ofAuto().allocate(SCRATCH, Long.BYTES);

    /** Makes one; {@code number} tells which values of per-CPU maps are its own, from 0. */
    public Cpu(int number) {
        this.number = number;
    }

    /** Its number. */
    public int number() {
        return number;
    }

    /** What the running program can reach. */
    public AddressSpace memory() {
        return memory;
    }

    /** The packet that the next run is given. */
    public PacketRoom packet() {
        return packet;
    }

    /** Sets how many jumps back and calls a run may make, at least 1. */
    public void budget(long jumps) {
        if (jumps < 1) {
            throw new IllegalArgumentException("a budget of " + jumps + "; use at least 1");
        }
        maxBudget = jumps;
    }

    /** For executables: the run for an element of a burst begins. */
    public void begin(int elementOfBurst) {
        element = elementOfBurst;
        executing = true;
        tailCalls = 0;
        budget = maxBudget;
        abort = Abort.NONE;
        redirect = NOWHERE;
        endRun();
    }

    /** For executables: it has ended. */
    public void end() {
        executing = false;
    }

    /** Refuses a run inside a run. */
    void refuseNested() {
        if (running != null) {
            throw new IllegalStateException(running + " is running on Cpu " + number
                    + "; give each thread a Cpu of its own");
        }
    }

    /** A run begins. */
    void start(Object program, BpfTable[] tables, MemorySegment[] values) {
        tailCalls = 0;
        budget = maxBudget;
        abort = Abort.NONE;
        redirect = NOWHERE;
        cause = null;
        faultAt = -1;
        executing = false;
        replace(program, tables, values);
    }

    /** Another program runs in the place of the one before. */
    void replace(Object program, BpfTable[] tables, MemorySegment[] values) {
        running = program;
        maps = tables;
        memory.values(values);
    }

    /** One more tail call; false if it would be one too many. */
    boolean countTailCall() {
        if (tailCalls >= MAX_TAIL_CALLS) {
            return false;
        }
        tailCalls++;
        charge();
        return true;
    }

    /** A run is over. */
    void stop() {
        executing = false;
        running = null;
        endRun();
    }

    /** A run was ended by this. */
    void aborted(RuntimeException e) {
        abort = reason(e);
        cause = e;
    }

    /** Whether the program of an element is at work, and not the application. */
    boolean isExecuting() {
        return executing;
    }

    /** The element of the burst that was begun last. */
    int element() {
        return element;
    }

    private void endRun() {
        obligations.settle();
        if (handedOutCount > 0) {
            memory.endRun();
            Arrays.fill(handedOut, 0, handedOutCount, null);
            handedOutCount = 0;
        }
    }

    private static Abort reason(RuntimeException e) {
        return switch (e) {
            case Fault fault -> fault.reason();
            case IndexOutOfBoundsException _ -> Abort.OUT_OF_BOUNDS;
            case IllegalArgumentException _, UnsupportedOperationException _, IllegalStateException _ ->
                    Abort.BAD_ACCESS;
            default -> Abort.HELPER_FAILED;
        };
    }

    /** How the last run ended. */
    public Abort abort() {
        return abort;
    }

    /** The exception that ended the last run, or null; for logs. */
    public RuntimeException cause() {
        return cause;
    }

    /** The instruction at which the last run was aborted, as far as the executable tells, or -1. */
    public int faultAt() {
        return faultAt;
    }

    /** Says where a run is about to be aborted; the innermost function's word counts. */
    public void faultAt(int at) {
        if (faultAt < 0) {
            faultAt = at;
        }
    }

    /** Takes one from the budget: before each jump back and at the beginning of each function. */
    public void charge() {
        if (--budget < 0) {
            throw Fault.budget();
        }
    }

    /** At the beginning of a function: whether its frame exists and the budget is not used up. */
    public void enter(long fp) {
        enterProved(fp);
        charge();
    }

    /** At the beginning of a function of a program that is known to end: whether its frame exists. */
    public void enterProved(long fp) {
        if (fp > Address.LAST_FP) {
            throw Fault.callDepth();
        }
    }

    /** The registers of the frame with this frame pointer, for interpreters. */
    public long[] registers(long fp) {
        return registers[(int) (fp - Address.FIRST_FP) / Address.FRAME];
    }

    /** The program that runs, or null; it is not known here what a program is. */
    Object running() {
        return running;
    }

    /** The map that an address stands for. A helper that was given something else ends the program. */
    public BpfTable map(long address) {
        int map = Address.map(address);
        int k = Address.handedOutIndex(map);
        if (k >= 0 && k < handedOutCount) {
            return handedOut[k];
        }
        if (map < 0 || map >= maps.length) {
            throw Fault.helperArgument();
        }
        return maps[map];
    }

    /** Makes a map of a map of maps reachable until the run ends; the address that stands for it. */
    public long handOut(BpfTable map) {
        for (int k = 0; k < handedOutCount; k++) {
            if (handedOut[k].equals(map)) {
                return Address.ofMap(Address.handedOut(k));
            }
        }
        if (handedOutCount == handedOut.length) {
            handedOut = Arrays.copyOf(handedOut, 2 * handedOutCount + 4);
        }
        handedOut[handedOutCount++] = map;
        return Address.ofMap(memory.handOut(map.values()));
    }

    /** What a tail call's program returned, for {@link #result()}. */
    void result(long value) {
        result = value;
    }

    /** What the program returned that a tail call ran. */
    public long result() {
        return result;
    }

    /** For executables: the frame of the function that is about to call a helper that calls back. */
    public void frame(long fp) {
        frame = fp;
    }

    /** For helpers that call back: the frame that they were called from. */
    public long frame() {
        return frame;
    }

    /** For helpers: what the program has begun and must end. */
    public Obligations obligations() {
        return obligations;
    }

    /** For helpers: 24 bytes, for a key. */
    public MemorySegment scratch() {
        return scratch;
    }

    /** For helpers: the packet is to go to this port. */
    public void redirect(long port) {
        redirect = port;
    }

    /** The port that the last run redirected to, an unsigned 32-bit number, or {@link #NOWHERE}. */
    public long redirect() {
        return redirect;
    }
}
