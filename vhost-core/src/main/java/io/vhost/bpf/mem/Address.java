package io.vhost.bpf.mem;

/** The layout of addresses; see the package. Thread: stateless. */
public final class Address {
    /** Where the context begins. */
    public static final long CONTEXT = 0x1000_0000L;
    /** Where the packet's room begins: its head room comes first. */
    public static final long PACKET = 0x2000_0000L;
    /** Where the stack begins: the outermost frame has the lowest addresses. */
    public static final long STACK = 0x3000_0000L;
    /** Most bytes of a local region. */
    public static final int MAX_LOCAL = 1 << 28;

    /** Bytes of a frame, as the kernel's {@code MAX_BPF_STACK}. */
    public static final int FRAME = 512;
    /** Most frames, as the kernel's {@code MAX_CALL_FRAMES}. */
    public static final int FRAMES = 8;
    /** The frame pointer of the outermost function: one past its frame. */
    public static final long FIRST_FP = STACK + FRAME;
    /** The frame pointer of the innermost function that may be called. */
    public static final long LAST_FP = STACK + (long) FRAME * FRAMES;

    static final int LOCAL_SHIFT = 28;
    static final int REGION_SHIFT = 40;
    static final long OFFSETS = (1L << REGION_SHIFT) - 1;
    static final long LOCAL_OFFSETS = (1L << LOCAL_SHIFT) - 1;

    private static final int FIRST_VALUES = 1;
    private static final int HANDLES = 0x400000;
    private static final int FUNCTIONS = 0x7fffff;
    /** What is added to a map's number to get one that a map of maps handed out. */
    private static final int HANDED_OUT = 0x200000;

    private Address() {
    }

    /** Where the values of a map begin; {@code map} is its number among the program's maps. */
    public static long ofValues(int map) {
        return (long) (FIRST_VALUES + map) << REGION_SHIFT;
    }

    /** What stands for a map itself. */
    public static long ofMap(int map) {
        return (long) (HANDLES + map) << REGION_SHIFT;
    }

    /** The number of a map that was handed out as the {@code k}-th of this run. */
    public static int handedOut(int k) {
        return HANDED_OUT + k;
    }

    /** Whether a map's number is one of those that are handed out; then how manieth it is, else -1. */
    public static int handedOutIndex(int map) {
        return map >= HANDED_OUT ? map - HANDED_OUT : -1;
    }

    /** The map that an address stands for, or -1. */
    public static int map(long address) {
        long region = address >>> REGION_SHIFT;
        boolean handle = region >= HANDLES && region < FUNCTIONS && (address & OFFSETS) == 0;
        return handle ? (int) region - HANDLES : -1;
    }

    /** What stands for a function of the program. */
    public static long ofFunction(int function) {
        return (long) FUNCTIONS << REGION_SHIFT | function;
    }

    /** The function that an address stands for, or -1. */
    public static int function(long address) {
        return address >>> REGION_SHIFT == FUNCTIONS && (address & OFFSETS) < Integer.MAX_VALUE
                ? (int) (address & OFFSETS) : -1;
    }

    /** The offset in its region. */
    public static long offset(long address) {
        return address >>> REGION_SHIFT == 0 ? address & LOCAL_OFFSETS : address & OFFSETS;
    }

    /** The number of the map whose values an address is among, or a negative number. */
    static int valuesOf(long address) {
        return (int) (address >>> REGION_SHIFT) - FIRST_VALUES;
    }
}
