package io.vhost.bpf.run;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.AddressSpace;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The state of a thread that runs programs; what the kernel calls a CPU, since maps have a value for each.
 *
 * <p>Thread: one at a time. A run inside a run, from a helper, is refused.
 */
public final class Cpu {
    /** As the kernel's {@code MAX_TAIL_CALL_CNT}. */
    public static final int MAX_TAIL_CALLS = 33;
    /** Jumps back and calls of a run unless told otherwise. */
    public static final long DEFAULT_BUDGET = 1 << 20;

    private static final int REGISTERS = 11;

    private final int number;
    private final AddressSpace memory = new AddressSpace();
    private final PacketRoom packet = new PacketRoom(memory);
    private final long[][] registers = new long[Address.FRAMES][REGISTERS];
    private long maxBudget = DEFAULT_BUDGET;
    private long budget;
    private int tailCalls;
    private Program running;
    private BpfTable[] handedOut = new BpfTable[0];
    private int handedOutCount;
    private long result;
    private Abort abort = Abort.NONE;
    private RuntimeException cause;
    private int faultAt = -1;
    private int element;
    private boolean executing;

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

    /**
     * Runs a program, which is given the context and the packet that were set before.
     *
     * @param r1 its first argument: {@link Address#CONTEXT}, or 0 without a context
     * @param r2 its second one, 0 for programs that people write
     * @return what it returned, or 0 if it was aborted
     * @throws IllegalStateException if a program is running on this Cpu
     */
    public long run(Program program, long r1, long r2) {
        refuseNested();
        start(program);
        try {
            return program.executable().call(this, 0, Address.FIRST_FP, r1, r2, 0, 0, 0);
        } catch (RuntimeException e) {
            aborted(e);
            return 0;
        } finally {
            running = null;
            endRun();
        }
    }

    /**
     * Runs a program once for each element of a burst, with the context as its argument. An aborted run gets
     * the result 0 and does not end the burst.
     *
     * @param from the first element
     * @param to   one past the last
     * @throws IllegalStateException if a program is running on this Cpu
     */
    public void runBurst(Program program, Burst burst, int from, int to) {
        refuseNested();
        int next = from;
        while (next < to) {
            next = runPart(program, burst, next, to);
        }
    }

    /** Runs until an element's run is aborted; the element to go on with. */
    private int runPart(Program program, Burst burst, int from, int to) {
        start(program);
        executing = false;
        try {
            program.executable().burst(this, burst, from, to);
            return to;
        } catch (RuntimeException e) {
            if (!executing) {   // the application's own
                throw e;
            }
            aborted(e);
        } finally {
            executing = false;
            running = null;
            endRun();
        }
        burst.done(this, element, 0);
        return element + 1;
    }

    /** For executables: the run for an element of a burst begins. */
    public void begin(int elementOfBurst) {
        element = elementOfBurst;
        executing = true;
        tailCalls = 0;
        budget = maxBudget;
        abort = Abort.NONE;
        endRun();
    }

    /** For executables: it has ended. */
    public void end() {
        executing = false;
    }

    private void refuseNested() {
        if (running != null) {
            throw new IllegalStateException("program " + running.image().code().name()
                    + " is running on Cpu " + number + "; give each thread a Cpu of its own");
        }
    }

    private void start(Program program) {
        tailCalls = 0;
        budget = maxBudget;
        abort = Abort.NONE;
        cause = null;
        faultAt = -1;
        running = program;
        memory.values(program.image().values());
    }

    private void aborted(RuntimeException e) {
        abort = reason(e);
        cause = e;
    }

    private void endRun() {
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

    /** At the beginning of a function: whether its frame exists. */
    public void enter(long fp) {
        if (fp > Address.LAST_FP) {
            throw Fault.callDepth();
        }
        charge();
    }

    /** The registers of the frame with this frame pointer, for interpreters. */
    public long[] registers(long fp) {
        return registers[(int) (fp - Address.FIRST_FP) / Address.FRAME];
    }

    /** The program that runs, or null. */
    public Program running() {
        return running;
    }

    /** The map that an address stands for. A helper that was given something else ends the program. */
    public BpfTable map(long address) {
        int map = Address.map(address);
        int k = Address.handedOutIndex(map);
        if (k >= 0 && k < handedOutCount) {
            return handedOut[k];
        }
        if (map < 0 || map >= running.image().maps()) {
            throw Fault.helperArgument();
        }
        return running.image().map(map);
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

    /**
     * Runs another program in the place of the running one.
     *
     * @param fp    the frame that it replaces
     * @param index which entry of the map of programs
     * @return false if there is none or too many followed each other: then the caller goes on; else
     *         {@link #result} is what the caller has to return
     */
    public boolean tailCall(long fp, long r1, long map, long index) {
        Program next = map(map) instanceof SlotTable slots && slots.get(index & 0xFFFFFFFFL)
                instanceof Program program ? program : null;
        if (next == null || tailCalls >= MAX_TAIL_CALLS) {
            return false;
        }
        tailCalls++;
        charge();
        Program before = running;
        MemorySegment[] values = memory.values(next.image().values());
        running = next;
        result = next.executable().call(this, 0, fp, r1, 0, 0, 0, 0);
        running = before;
        memory.values(values);
        return true;
    }

    /** What the program returned that a tail call ran. */
    public long result() {
        return result;
    }
}
